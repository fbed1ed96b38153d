# SPDX-License-Identifier: Apache-2.0
# Debian packages, one per role: scripts/build_packages.sh configures with CATDOG_PACKAGING and a prefix of /usr, and runs cpack.
find_program(CATDOG_HELP2MAN help2man REQUIRED)
find_program(CATDOG_GZIP gzip REQUIRED)
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter)
set(_sources "${CMAKE_CURRENT_LIST_DIR}/packaging")
set(_made "${PROJECT_BINARY_DIR}/packaging")
set(_contact "The libcatdog authors <libcatdog@example.org>")
# The package of each component; the service goes into that of the tools.
set(_components library torch dev tools python)
set(_package_library libcatdog${CATDOG_ABI_VERSION})
set(_package_torch libcatdog-torch)
set(_package_dev libcatdog-dev)
set(_package_tools catdog)
set(_package_python python3-catdog)

# catdog_compressed(INPUT OUTPUT): gzip without name and time, so that equal sources give equal packages.
function(catdog_compressed input output)
  add_custom_command(OUTPUT "${output}" COMMAND sh -c "exec '${CATDOG_GZIP}' -9nc '${input}' >'${output}'" DEPENDS "${input}" VERBATIM)
endfunction()

# What Debian wants beside each package's files.
file(MAKE_DIRECTORY "${_made}")
add_custom_command(OUTPUT "${_made}/changelog"
                   COMMAND Python::Interpreter "${_sources}/debian_changelog.py" "${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${PROJECT_VERSION}"
                           "${_contact}" "${_made}/changelog"
                   DEPENDS "${_sources}/debian_changelog.py" "${PROJECT_SOURCE_DIR}/CHANGELOG.md" VERBATIM)
catdog_compressed("${_made}/changelog" "${_made}/changelog.gz")
set(_outputs "${_made}/changelog.gz")
foreach(_component IN LISTS _components)
  install(FILES "${_sources}/copyright" "${_made}/changelog.gz" DESTINATION "share/doc/${_package_${_component}}" COMPONENT ${_component}
          EXCLUDE_FROM_ALL)
endforeach()

# Man pages from the commands' own --help: one source.
set(_pages "catdog:catdog-cli::tells cats from dogs in photos" "catdog-classify:catdog-cli:classify:says what is in images"
           "catdog-explain:catdog-cli:explain:shows where in an image a label is seen"
           "catdog-info:catdog-cli:info:describes a model file" "catdog-verify:catdog-cli:verify:checks the signature of a model file"
           "catdog-evaluate:catdog-cli:evaluate:measures a model on labelled images"
           "catdog-bench:catdog-cli:bench:measures speed on this machine"
           "catdog-import:catdog-cli:import:makes a model file of a PyTorch checkpoint")
if(TARGET catdog-server)
  list(APPEND _pages "catdog-server:catdog-server::tells cats from dogs in photos, over HTTP")
endif()
foreach(_page IN LISTS _pages)
  string(REPLACE ":" ";" _page "${_page}")
  list(GET _page 0 _name)
  list(GET _page 1 _target)
  list(GET _page 2 _command)
  list(GET _page 3 _summary)
  string(STRIP "$<TARGET_FILE:${_target}> ${_command}" _run)
  add_custom_command(OUTPUT "${_made}/${_name}.1"
                     COMMAND "${CATDOG_HELP2MAN}" --no-info --no-discard-stderr "--version-string=${PROJECT_VERSION}" "--name=${_summary}"
                             "--output=${_made}/${_name}.1" "${_run}"
                     # help2man takes a sub-command's name from its usage, which has a blank where the page's has a hyphen.
                     COMMAND sed -i "s/^catdog ${_command} /${_name} /" "${_made}/${_name}.1"
                     DEPENDS ${_target} VERBATIM)
  catdog_compressed("${_made}/${_name}.1" "${_made}/${_name}.1.gz")
  list(APPEND _outputs "${_made}/${_name}.1.gz")
  install(FILES "${_made}/${_name}.1.gz" DESTINATION share/man/man1 COMPONENT tools EXCLUDE_FROM_ALL)
endforeach()
add_custom_target(catdog_package_files ALL DEPENDS ${_outputs})
install(FILES "${_sources}/catdog.bash" DESTINATION share/bash-completion/completions RENAME catdog COMPONENT tools EXCLUDE_FROM_ALL)
if(TARGET catdog-server)
  install(FILES "${_sources}/catdog-server.service" DESTINATION lib/systemd/system COMPONENT tools EXCLUDE_FROM_ALL)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME catdog)
set(CPACK_PACKAGE_VENDOR "libcatdog")
set(CPACK_PACKAGE_CONTACT "${_contact}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_COMPONENTS_ALL library torch dev tools service python)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/capi")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(_own "libcatdog${CATDOG_ABI_VERSION} (= ${PROJECT_VERSION})")

# catdog_package(GROUP NAME SECTION DEPENDS SUMMARY DESCRIPTION)
macro(catdog_package group name section depends summary description)
  string(TOUPPER "${group}" _group)
  set(CPACK_DEBIAN_${_group}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${_group}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${_group}_PACKAGE_DEPENDS "${depends}")
  set(CPACK_DEBIAN_${_group}_DESCRIPTION "${summary}\n${description}")
  set(CPACK_COMPONENT_${_group}_DESCRIPTION "${summary}\n${description}")
endmacro()
catdog_package(library ${_package_library} libs "" "tells cats from dogs in photos - library and model"
               "A photo goes in, cat or dog with a calibrated probability comes out.\nThis package holds the shared library and a trained model.")
catdog_package(torch ${_package_torch} libs "${_own}" "tells cats from dogs in photos - engine for TorchScript models"
               "The plug-in that runs TorchScript models of one's own on libtorch, and\nimports PyTorch checkpoints.")
catdog_package(dev ${_package_dev} libdevel "${_own}" "tells cats from dogs in photos - development files"
               "Headers for C and C++, and the files for CMake and pkg-config.")
catdog_package(tools ${_package_tools} graphics "${_own}" "tells cats from dogs in photos - command and HTTP service"
               "The command classifies, measures and imports; the service answers over\nHTTP and has a systemd unit with a user of its own.")
catdog_package(python ${_package_python} python "${_own}, python3 (>= ${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}), python3 (<< ${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}.999)"
               "tells cats from dogs in photos - Python package" "The module catdog for Python 3.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${_sources}/triggers")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA "${_sources}/prerm")
include(CPack)
foreach(_component IN LISTS _components)
  cpack_add_component_group(${_component})
  cpack_add_component(${_component} GROUP ${_component})
endforeach()
cpack_add_component(service GROUP tools)
