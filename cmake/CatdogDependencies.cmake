# SPDX-License-Identifier: Apache-2.0
# What lib/ stands on. Not OpenCV imgcodecs unless asked for: on Debian it pulls in GDAL, DICOM and 90 more packages.
find_package(PkgConfig REQUIRED)
set(_catdog_opencv core imgproc)
if(CATDOG_WITH_IMGCODECS)
  list(APPEND _catdog_opencv imgcodecs)
endif()
find_package(OpenCV REQUIRED COMPONENTS ${_catdog_opencv})
find_package(nlohmann_json 3.10 REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(GIF REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)

# oneDNN: Debian's CMake file asks for OpenCL's headers, which nothing here needs.
find_path(CATDOG_DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
find_library(CATDOG_DNNL_LIBRARY dnnl REQUIRED)
add_library(catdog_dnnl INTERFACE)
target_include_directories(catdog_dnnl SYSTEM INTERFACE ${CATDOG_DNNL_INCLUDE_DIR})
target_link_libraries(catdog_dnnl INTERFACE ${CATDOG_DNNL_LIBRARY})

# libtorch, for the plug-in, the trainer and the importer only.
if(CATDOG_BUILD_TORCH OR CATDOG_BUILD_TRAINING)
  find_path(CATDOG_TORCH_INCLUDE_DIR torch/script.h REQUIRED HINTS "${Torch_DIR}/../../../include")
  find_path(CATDOG_TORCH_API_INCLUDE_DIR torch/torch.h REQUIRED
            HINTS "${CATDOG_TORCH_INCLUDE_DIR}/torch/csrc/api/include")
  foreach(_lib IN ITEMS torch torch_cpu c10)
    find_library(CATDOG_${_lib}_LIBRARY ${_lib} REQUIRED HINTS "${CATDOG_TORCH_INCLUDE_DIR}/../lib")
  endforeach()
  add_library(catdog_libtorch INTERFACE)
  target_include_directories(catdog_libtorch SYSTEM INTERFACE ${CATDOG_TORCH_INCLUDE_DIR} ${CATDOG_TORCH_API_INCLUDE_DIR})
  target_link_libraries(catdog_libtorch INTERFACE ${CATDOG_torch_LIBRARY} ${CATDOG_torch_cpu_LIBRARY} ${CATDOG_c10_LIBRARY})
endif()
