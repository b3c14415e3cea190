# Tests are found by their place and name:
#   test/unit/<layer>/test_<name>.c   unit_<layer>_<name>, linked with that layer and those before it
#   test/conformance/test_<name>.c    conformance_<name>, with everything up to proxy
#   test/sim/test_<name>.c            sim_<name>, the same
#   test/fuzz/fuzz_<name>.c           fuzz_<name>, replaying test/fuzz/corpus/<name>/ (LG_FUZZ: libFuzzer)
#   test/bench/<name>.c               bench_<name>, a tool; built by the target `bench`
# Fuzz targets and tools link the layers that they include.
# Other .c files in a folder of tests are helpers, linked into each program of that folder;
# those in test/support go into a library for all (test.c, the main of every test, stands alone), and
# support/fake_*.c into another: it has a loop of its own in place of io's, so whoever includes one of
# its headers runs under a clock that the test moves.

if(NOT cmocka_FOUND)
    message(STATUS "cmocka is missing: no tests (tools/setup test)")
    return()
endif()
set(test_dir ${CMAKE_SOURCE_DIR}/test)

add_library(test_flags INTERFACE)
target_include_directories(test_flags INTERFACE ${test_dir} ${CMAKE_SOURCE_DIR})
target_compile_definitions(test_flags INTERFACE TEST_DIR="${test_dir}")
target_link_libraries(test_flags INTERFACE flags PkgConfig::cmocka)
if(jansson_FOUND)
    target_link_libraries(test_flags INTERFACE PkgConfig::jansson)
endif()

add_library(test_main STATIC ${test_dir}/support/test.c)
target_link_libraries(test_main PUBLIC test_flags)

# The layer that a file's includes reach, with those before it: what is linked to programs that
# belong to no layer.  A layer under work then does not hold up what does not use it.
function(layers_used out file)
    set(used "")
    foreach(layer ${LAYERS})
        file(STRINGS ${file} includes REGEX "^#include \"${layer}/")
        if(includes)
            set(used ${layer_upto_${layer}})
        endif()
    endforeach()
    set(${out} ${used} PARENT_SCOPE)
endfunction()

file(GLOB support CONFIGURE_DEPENDS ${test_dir}/support/*.c)
list(REMOVE_ITEM support ${test_dir}/support/test.c)
file(GLOB fakes CONFIGURE_DEPENDS ${test_dir}/support/fake_*.c)
if(fakes)
    list(REMOVE_ITEM support ${fakes})
    add_library(test_fakes STATIC ${fakes})
    target_link_libraries(test_fakes PUBLIC test_flags ${layer_upto_app})
endif()
set(test_support "")
if(support)
    add_library(test_support STATIC ${support})
    target_link_libraries(test_support PUBLIC test_flags ${layer_upto_app})
    set(test_support test_support)
endif()

# A file needs the helpers of test/support only when it includes one of their headers; a helper
# under work then does not hold up the tests of the layers below it.
function(test_needs_support out)
    set(needed "")
    foreach(file ${ARGN})
        file(STRINGS ${file} lines REGEX "^#include \".*support/")
        list(FILTER lines EXCLUDE REGEX "support/test\\.h")
        set(fake_lines ${lines})
        list(FILTER fake_lines INCLUDE REGEX "support/fake_")
        list(FILTER lines EXCLUDE REGEX "support/fake_")
        if(fake_lines) # before all else, so that its loop is found first
            list(PREPEND needed test_fakes)
        endif()
        if(lines)
            list(APPEND needed ${test_support})
        endif()
    endforeach()
    list(REMOVE_DUPLICATES needed)
    set(${out} ${needed} PARENT_SCOPE)
endfunction()

# What hangs is ended; a sanitizer makes everything several times slower.
set(timeout 120)
if(LG_SANITIZE)
    set(timeout 900)
endif()

# Builds and registers the tests of one folder; `label` is the name's beginning and ctest's label.
function(add_test_folder folder prefix label libraries)
    file(GLOB all CONFIGURE_DEPENDS ${folder}/*.c)
    set(helpers ${all})
    list(FILTER helpers EXCLUDE REGEX "/test_[^/]*\\.c$")
    set(tests ${all})
    list(FILTER tests INCLUDE REGEX "/test_[^/]*\\.c$")
    set(own "")
    if(helpers AND tests)
        set(own ${prefix}_helpers)
        file(GLOB headers CONFIGURE_DEPENDS ${folder}/*.h)
        test_needs_support(extra ${helpers} ${headers})
        add_library(${own} STATIC ${helpers})
        target_link_libraries(${own} PUBLIC test_flags ${extra} ${libraries})
    endif()
    foreach(file ${tests})
        get_filename_component(name ${file} NAME_WE)
        string(REGEX REPLACE "^test_" "${prefix}_" name ${name})
        test_needs_support(extra ${file})
        add_executable(${name} ${file})
        target_include_directories(${name} PRIVATE ${folder})
        target_link_libraries(${name} PRIVATE test_main ${own} ${extra} ${libraries})
        add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout})
    endforeach()
endfunction()

if(NOT LG_FUZZ)
    foreach(layer ${LAYERS})
        add_test_folder(${test_dir}/unit/${layer} unit_${layer} unit "${layer_upto_${layer}}")
    endforeach()
    add_test_folder(${test_dir}/conformance conformance conformance "${layer_upto_proxy}")
    add_test_folder(${test_dir}/sim sim sim "${layer_upto_proxy}")
endif()

# Fuzz targets.
file(GLOB fuzzers CONFIGURE_DEPENDS ${test_dir}/fuzz/fuzz_*.c)
foreach(file ${fuzzers})
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "^fuzz_" "" corpus ${name})
    test_needs_support(extra ${file})
    if(LG_FUZZ)
        add_executable(${name} ${file})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} ${file} ${test_dir}/fuzz/replay.c)
        add_test(NAME ${name} COMMAND ${name} ${test_dir}/fuzz/corpus/${corpus})
        set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT ${timeout})
    endif()
    # Its own declaration of the entry point would be one more line in every target.
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
    layers_used(libraries ${file})
    target_link_libraries(${name} PRIVATE test_flags ${extra} ${libraries})
endforeach()

# Tools of test/bench: on their own, unless they include a header of ours.
add_custom_target(bench)
file(GLOB tools CONFIGURE_DEPENDS ${test_dir}/bench/*.c)
foreach(file ${tools})
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "^bench_|_bench$" "" name ${name})
    add_executable(bench_${name} EXCLUDE_FROM_ALL ${file})
    layers_used(libraries ${file})
    target_link_libraries(bench_${name} PRIVATE test_flags ${libraries} Threads::Threads m)
    add_dependencies(bench bench_${name})
endforeach()
