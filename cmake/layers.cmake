# A static library per layer, from whatever .c files its folder holds, and the program.
# `layer_<name>` links the layers before it, so a test of a layer links that one name.

set(layer_before "")
foreach(layer ${LAYERS})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${layer}/*.c)
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/app/main.c)
    if(sources)
        add_library(layer_${layer} STATIC ${sources})
        target_link_libraries(layer_${layer} PUBLIC
            flags ${layer_before} ${LG_DEPENDENCIES} Threads::Threads m)
        set(layer_before layer_${layer})
    endif()
    # What a test of this layer links, also while the folder is empty.
    set(layer_upto_${layer} ${layer_before})
endforeach()

if(EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.c)
    add_executable(llm-gateway ${CMAKE_SOURCE_DIR}/src/app/main.c)
    target_link_libraries(llm-gateway PRIVATE flags ${layer_before} flags_program)
endif()
