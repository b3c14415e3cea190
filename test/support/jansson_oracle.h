/* jansson, the oracle for our JSON, with its enumerators out of the way of ours. */
#ifndef SUPPORT_JANSSON_ORACLE_H
#define SUPPORT_JANSSON_ORACLE_H

#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

/* Its macros name the enumerators, which are ours again by the time they are used. */
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_true
#undef json_is_false
#undef json_is_null
#undef json_is_boolean
#define json_is_object(json) ((json) && json_typeof(json) == JANSSON_OBJECT)
#define json_is_array(json) ((json) && json_typeof(json) == JANSSON_ARRAY)
#define json_is_string(json) ((json) && json_typeof(json) == JANSSON_STRING)
#define json_is_true(json) ((json) && json_typeof(json) == JANSSON_TRUE)
#define json_is_false(json) ((json) && json_typeof(json) == JANSSON_FALSE)
#define json_is_null(json) ((json) && json_typeof(json) == JANSSON_NULL)
#define json_is_boolean(json) (json_is_true(json) || json_is_false(json))

#endif
