# Compiler and linker flags.  Two interface targets carry them: `flags` for everything of ours,
# and `flags_program` for what goes into the shipped program alone (link-time optimisation).

option(LG_WERROR "warnings are errors" ON)
option(LG_LTO "link the program with link-time optimisation" OFF)
option(LG_HARDEN "the hardening that needs an optimised build (FORTIFY)" OFF)
option(LG_FUZZ "build test/fuzz as libFuzzer targets (clang)" OFF)
option(LG_COVERAGE "count executed lines" OFF)
set(LG_SANITIZE "" CACHE STRING "sanitizers, as in -fsanitize=")

include(CheckCCompilerFlag)

add_library(flags INTERFACE)
target_compile_definitions(flags INTERFACE _GNU_SOURCE LLM_GATEWAY_VERSION="${PROJECT_VERSION}")
target_include_directories(flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
    -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wno-format-nonliteral
    -fno-common -fno-omit-frame-pointer
    # Paths in messages and in the flight recorder are those of the repository.
    -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(LG_WERROR)
    target_compile_options(flags INTERFACE -Werror)
endif()

# Hardening that costs nothing to have everywhere: programs at a random address, the stack
# protector, control-flow marks, and tables that are read-only once the program has started.
# Our libraries only ever become programs, so -fPIE, which calls its own functions directly.
target_compile_options(flags INTERFACE -fPIE -fstack-protector-strong)
target_link_options(flags INTERFACE -pie)
foreach(flag -fcf-protection -fstack-clash-protection -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "has${flag}" has)
    check_c_compiler_flag("${flag} -Werror" ${has})
    if(${has})
        target_compile_options(flags INTERFACE ${flag})
    endif()
endforeach()
target_link_options(flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
if(LG_HARDEN)
    target_compile_options(flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()

if(LG_SANITIZE)
    target_compile_options(flags INTERFACE -fsanitize=${LG_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(flags INTERFACE -fsanitize=${LG_SANITIZE})
endif()
if(LG_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "LG_FUZZ needs clang (cmake --preset fuzz)")
    endif()
    target_compile_options(flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(flags INTERFACE -fsanitize=fuzzer-no-link)
    # The targets live on checks, and on being able to see what a failing input did.
    target_compile_definitions(flags INTERFACE FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
endif()
if(LG_COVERAGE)
    target_compile_options(flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(flags INTERFACE --coverage)
endif()

# Link-time optimisation: objects carry both machine code and gcc's own form ("fat"), so that the
# tests of the same build link at once, and only the program pays for the whole-program pass.
add_library(flags_program INTERFACE)
if(LG_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(flags INTERFACE -flto=auto -ffat-lto-objects)
    target_link_options(flags INTERFACE -fno-lto)
    # Comes after -fno-lto on the command line; the last one counts.
    target_link_options(flags_program INTERFACE -flto=auto -O2)
endif()
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(flags INTERFACE -ffunction-sections -fdata-sections)
    target_link_options(flags_program INTERFACE -Wl,--gc-sections)
endif()
