# SPDX-License-Identifier: Apache-2.0
# cmake -DPAGES=… -DVERSION=… -DOUTPUT=… -P embed.cmake: each page becomes a string literal in OUTPUT.
set(_source "// Made from the pages by embed.cmake.\n#include \"pages/data.hpp\"\n\nnamespace catdog::service::pages::data {\n\n")
foreach(_page IN LISTS PAGES)
  file(READ "${CMAKE_CURRENT_LIST_DIR}/${_page}" _content)
  string(REPLACE "@CATDOG_VERSION@" "${VERSION}" _content "${_content}")
  if(_content STREQUAL "" OR _content MATCHES "\\)page\"")
    message(FATAL_ERROR "${_page} is empty or holds the delimiter of the literals, )page\"")
  endif()
  string(REPLACE "." "_" _name "${_page}")
  string(APPEND _source "const std::string_view ${_name} = R\"page(${_content})page\";\n")
endforeach()
string(APPEND _source "\n}  // namespace catdog::service::pages::data\n")
file(WRITE "${OUTPUT}" "${_source}")
