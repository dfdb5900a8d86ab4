# `cmake --install`: the program, its data, the libraries that others can use, and how they find them.
# The target `uninstall` takes away what the last installation wrote.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/assay)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
set(data ${CMAKE_INSTALL_DATADIR}/assay)

install(TARGETS assay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS assay_kernels assay_numerics EXPORT assay
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${headers})
# Headers that only the kernels of one family share stay private.
install(DIRECTORY numerics DESTINATION ${headers} FILES_MATCHING PATTERN "*.h"
        PATTERN "*_simd.h" EXCLUDE PATTERN "*_textbook.h" EXCLUDE PATTERN "*_vec256.h" EXCLUDE)
install(FILES datasets/sample.safetensors datasets/schema/assay.result.1.json DESTINATION ${data})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The man page and the completions are what the program says of itself, so that each is as old as the
# program.  A build for another machine needs an emulator to have them.
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
  function(install_docs form name folder)
    add_custom_command(TARGET assay POST_BUILD # whatever ASSAY_ISA the builder has set
                       COMMAND ${CMAKE_COMMAND} -E env --unset=ASSAY_ISA ${CMAKE_CROSSCOMPILING_EMULATOR}
                               $<TARGET_FILE:assay> docs ${form} > ${CMAKE_BINARY_DIR}/generated/docs.${form}
                       VERBATIM)
    install(FILES ${CMAKE_BINARY_DIR}/generated/docs.${form} DESTINATION ${folder} RENAME ${name})
  endfunction()
  install_docs(man assay.1 ${CMAKE_INSTALL_MANDIR}/man1)
  install_docs(bash assay ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install_docs(zsh _assay ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install_docs(fish assay.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

install(EXPORT assay NAMESPACE assay:: FILE assayTargets.cmake DESTINATION ${package})
configure_package_config_file(cmake/assayConfig.cmake.in assayConfig.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(assayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/assayConfig.cmake ${CMAKE_BINARY_DIR}/assayConfigVersion.cmake
              cmake/LinearAlgebra.cmake
        DESTINATION ${package})

# ${pcfiledir} leads to the prefix, wherever the tree was moved.
file(RELATIVE_PATH to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" to_prefix "${to_prefix}")
foreach(library kernels numerics)
  configure_file(cmake/assay-${library}.pc.in assay-${library}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/assay-${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR}
                  -P ${CMAKE_SOURCE_DIR}/cmake/Uninstall.cmake VERBATIM)
