# The libraries that the program stands on, all from the distribution (tools/setup installs them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

foreach(module libuv libcares openssl libfyaml zlib libbrotlidec libzstd libxxhash libedit)
    pkg_check_modules(${module} REQUIRED IMPORTED_TARGET ${module})
    list(APPEND LG_DEPENDENCIES PkgConfig::${module})
endforeach()

# llhttp: a library of its own from Debian 13 on; Debian 12 has its C sources, in node-llhttp.
pkg_check_modules(libllhttp QUIET IMPORTED_TARGET libllhttp)
if(libllhttp_FOUND)
    list(APPEND LG_DEPENDENCIES PkgConfig::libllhttp)
else()
    find_path(LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
    find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp /usr/include)
    if(NOT LLHTTP_SOURCE OR NOT LLHTTP_INCLUDE)
        message(FATAL_ERROR "llhttp is missing: install libllhttp-dev or node-llhttp (tools/setup)")
    endif()
    add_library(llhttp STATIC
        ${LLHTTP_SOURCE}/api.c ${LLHTTP_SOURCE}/http.c ${LLHTTP_SOURCE}/llhttp.c)
    target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
    # Versions 8 and before choose at compile time how strict they are; header and source must agree.
    target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    target_compile_options(llhttp PRIVATE -w -O2 -fPIE)
    if(LG_FUZZ)
        target_compile_options(llhttp PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    list(APPEND LG_DEPENDENCIES llhttp)
endif()

# Tests alone.
pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
pkg_check_modules(jansson IMPORTED_TARGET jansson)
