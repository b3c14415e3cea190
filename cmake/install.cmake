# `make install`: the program, and what a system needs around it.  Files that are generated, or
# not there yet, are installed when they exist.
include(GNUInstallDirs)

if(TARGET llm-gateway)
    install(TARGETS llm-gateway RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

    # Shell completions are the program's own answer, so they cannot fall behind it.
    install(CODE "
        set(program \"$<TARGET_FILE:llm-gateway>\")
        set(data \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
        foreach(pair bash:bash-completion/completions/llm-gateway zsh:zsh/site-functions/_llm-gateway
                     fish:fish/vendor_completions.d/llm-gateway.fish)
            string(REPLACE \":\" \";\" pair \"\${pair}\")
            list(GET pair 0 shell)
            list(GET pair 1 file)
            execute_process(COMMAND \${program} completions \${shell}
                            OUTPUT_VARIABLE text RESULT_VARIABLE failed)
            if(failed)
                message(FATAL_ERROR \"llm-gateway completions \${shell}: \${failed}\")
            endif()
            message(STATUS \"Installing: \${data}/\${file}\")
            file(WRITE \"\${data}/\${file}\" \"\${text}\")
        endforeach()")
endif()

install(FILES ${CMAKE_SOURCE_DIR}/docs/llm-gateway.1
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/conf/
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples OPTIONAL FILES_MATCHING PATTERN "*.yaml")
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/CHANGELOG.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
# The unit names the program where this installation puts it, which is known only now.
install(CODE "
    set(PROGRAM_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    configure_file(\"${CMAKE_SOURCE_DIR}/deploy/systemd/llm-gateway.service.in\"
                   \"${CMAKE_BINARY_DIR}/llm-gateway.service\" @ONLY)")
install(FILES ${CMAKE_BINARY_DIR}/llm-gateway.service DESTINATION lib/systemd/system)
