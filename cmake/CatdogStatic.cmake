# SPDX-License-Identifier: Apache-2.0
# libcatdog.a: all of lib/ and capi/ as one object in which all but the C interface is local, so that a program that links it sees
# nothing else, and its own symbols can't clash with this library's.

# What a program then links besides, by the linker's names.
set(CATDOG_STATIC_FOUND opencv_imgproc opencv_core dnnl webp zip) # By find_library(), see catdogConfig.cmake.in.
if(CATDOG_WITH_IMGCODECS)
  list(PREPEND CATDOG_STATIC_FOUND opencv_imgcodecs)
endif()
set(CATDOG_STATIC_SYSTEM gomp stdc++ m dl) # The compiler's.
set(CATDOG_STATIC_LIBRARIES ${CATDOG_STATIC_FOUND} jpeg png gif crypto ${CATDOG_STATIC_SYSTEM} pthread)

function(catdog_add_static_library)
  set(object "${CMAKE_CURRENT_BINARY_DIR}/catdog.o")
  add_custom_command(
    OUTPUT "${object}"
    COMMAND "${CMAKE_CXX_COMPILER}" -r -nostdlib -Wl,--force-group-allocation -o "${object}.all" "$<TARGET_OBJECTS:catdog_capi>" -Wl,--whole-archive
            "$<TARGET_FILE:catdog_internal>" -Wl,--no-whole-archive
    COMMAND "${CMAKE_OBJCOPY}" --wildcard "--keep-global-symbol=catdog_*" "${object}.all" "${object}"
    COMMAND "${CMAKE_COMMAND}" -E rm -f "${object}.all"
    DEPENDS catdog_internal catdog_capi "$<TARGET_OBJECTS:catdog_capi>"
    COMMAND_EXPAND_LISTS VERBATIM)
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(catdog STATIC "${object}")
  target_compile_definitions(catdog INTERFACE CATDOG_STATIC)
  target_link_libraries(catdog INTERFACE "$<BUILD_INTERFACE:${CATDOG_STATIC_LIBRARIES}>" $<INSTALL_INTERFACE:catdog::dependencies>)
endfunction()
