# SPDX-License-Identifier: Apache-2.0
# catdog_target(NAME): language level, warnings and instrumentation that all of this project's targets share.
function(catdog_target name)
  set_target_properties(${name} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
                                           CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                                           POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.>
                                         $<$<CONFIG:Release>:-ffile-prefix-map=${PROJECT_BINARY_DIR}=.>)
  if(NOT BUILD_SHARED_LIBS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>) # Unique symbols can't be made local.
  endif()
  if(CATDOG_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(CATDOG_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${CATDOG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${name} PRIVATE -fsanitize=${CATDOG_SANITIZE})
    # GCC's manual: instrumented code gives false reports of these kinds (std::regex and std::vector do).
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${name} PRIVATE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds)
    endif()
  endif()
  if(CATDOG_COVERAGE)
    target_compile_options(${name} PRIVATE --coverage -O0)
    target_link_options(${name} PRIVATE --coverage)
  endif()
endfunction()
