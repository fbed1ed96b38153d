# SPDX-License-Identifier: Apache-2.0
# Below C++17, catdog.hpp gives one error that says what to do.
foreach(standard IN ITEMS c++11 c++14)
  execute_process(COMMAND "${COMPILER}" -std=${standard} -fsyntax-only ${INCLUDES} "${SOURCE}" ERROR_VARIABLE said
                  RESULT_VARIABLE status)
  string(REGEX MATCHALL "error:" errors "${said}")
  list(LENGTH errors count)
  if(status EQUAL 0 OR NOT count EQUAL 1 OR NOT said MATCHES "needs C\\+\\+17")
    message(FATAL_ERROR "${standard}: status ${status}, ${count} errors:\n${said}")
  endif()
endforeach()
