# What the build takes from the system. Each absence is one sentence that names Debian's package.
function(tvk_require found what package)
    if(NOT ${found})
        message(FATAL_ERROR "TensorVK needs ${what}: install it with 'apt-get install ${package}' "
                            "(docs/building.md has the command for all that the build needs).")
    endif()
endfunction()

find_package(Threads REQUIRED)

# oneDNN: host tactics' products and windows. Without it the shaders and the plain CPU kernels do everything. Its own CMake
# package is not asked: Debian's fails the configuration of whoever has no OpenCL headers, which nothing here needs.
find_path(TENSORVK_ONEDNN_HEADERS oneapi/dnnl/dnnl.hpp)
find_library(TENSORVK_ONEDNN_LIBRARY dnnl)
set(TENSORVK_ONEDNN OFF)
if(TENSORVK_ONEDNN_HEADERS AND TENSORVK_ONEDNN_LIBRARY)
    file(STRINGS "${TENSORVK_ONEDNN_HEADERS}/oneapi/dnnl/dnnl_version.h" version_lines REGEX "VERSION_(MAJOR|MINOR) +[0-9]+")
    string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*" "\\1.\\2" onednn_version "${version_lines}")
    if(onednn_version VERSION_GREATER_EQUAL 2.6 AND onednn_version VERSION_LESS 3) # 3 has another C++ interface
        set(TENSORVK_ONEDNN ON)
        add_library(tvk_onednn_library INTERFACE)
        target_include_directories(tvk_onednn_library SYSTEM INTERFACE "${TENSORVK_ONEDNN_HEADERS}")
        target_link_libraries(tvk_onednn_library INTERFACE "${TENSORVK_ONEDNN_LIBRARY}")
    else()
        message(STATUS "oneDNN ${onednn_version} is none of 2.6 up to 3: built without it")
    endif()
endif()

# Headers only: the loader is opened at run time, so that importing works on machines without it.
find_path(TENSORVK_VULKAN_HEADERS vulkan/vulkan.h)
tvk_require(TENSORVK_VULKAN_HEADERS "the Vulkan headers" libvulkan-dev)
add_library(tvk_vulkan_headers INTERFACE)
target_include_directories(tvk_vulkan_headers SYSTEM INTERFACE "${TENSORVK_VULKAN_HEADERS}")
target_compile_definitions(tvk_vulkan_headers INTERFACE VK_NO_PROTOTYPES)
target_link_libraries(tvk_vulkan_headers INTERFACE ${CMAKE_DL_LIBS})

find_path(TENSORVK_XXHASH_HEADERS xxhash.h)
tvk_require(TENSORVK_XXHASH_HEADERS "xxhash's header" libxxhash-dev)
add_library(tvk_xxhash INTERFACE)
target_include_directories(tvk_xxhash SYSTEM INTERFACE "${TENSORVK_XXHASH_HEADERS}")
target_compile_definitions(tvk_xxhash INTERFACE XXH_INLINE_ALL)

find_path(TENSORVK_ZSTD_HEADERS zstd.h)
find_library(TENSORVK_ZSTD_LIBRARY zstd)
if(TENSORVK_ZSTD_HEADERS AND TENSORVK_ZSTD_LIBRARY)
    set(TENSORVK_ZSTD_FOUND ON)
endif()
tvk_require(TENSORVK_ZSTD_FOUND "zstd" libzstd-dev)
add_library(tvk_zstd INTERFACE)
target_include_directories(tvk_zstd SYSTEM INTERFACE "${TENSORVK_ZSTD_HEADERS}")
target_link_libraries(tvk_zstd INTERFACE "${TENSORVK_ZSTD_LIBRARY}")

# Optional: what ImageDecoder reads PNG and JPEG with.
add_library(tvk_image_libraries INTERFACE)
set(TENSORVK_IMAGE_LIBRARIES "")
foreach(format IN ITEMS PNG:png.h:png JPEG:jpeglib.h:jpeg)
    string(REPLACE ":" ";" format "${format}")
    list(GET format 0 name)
    list(GET format 1 header)
    list(GET format 2 library)
    find_path(TENSORVK_${name}_HEADERS ${header})
    find_library(TENSORVK_${name}_LIBRARY ${library})
    if(TENSORVK_${name}_HEADERS AND TENSORVK_${name}_LIBRARY)
        target_include_directories(tvk_image_libraries SYSTEM INTERFACE "${TENSORVK_${name}_HEADERS}")
        target_link_libraries(tvk_image_libraries INTERFACE "${TENSORVK_${name}_LIBRARY}")
        target_compile_definitions(tvk_image_libraries INTERFACE TENSORVK_HAS_${name})
        list(APPEND TENSORVK_IMAGE_LIBRARIES "${TENSORVK_${name}_LIBRARY}")
    endif()
endforeach()

# FlatBuffers: the generated readers and the verifier are header-only.
find_path(TENSORVK_FLATBUFFERS_HEADERS flatbuffers/flatbuffers.h)
tvk_require(TENSORVK_FLATBUFFERS_HEADERS "the FlatBuffers headers" libflatbuffers-dev)
find_program(TENSORVK_FLATC flatc)
tvk_require(TENSORVK_FLATC "the FlatBuffers compiler flatc" flatbuffers-compiler)
add_library(tvk_flatbuffers INTERFACE)
target_include_directories(tvk_flatbuffers SYSTEM INTERFACE "${TENSORVK_FLATBUFFERS_HEADERS}")

find_path(TENSORVK_PROTOBUF_HEADERS google/protobuf/message_lite.h)
find_library(TENSORVK_PROTOBUF_LIBRARY protobuf-lite)
if(TENSORVK_PROTOBUF_HEADERS AND TENSORVK_PROTOBUF_LIBRARY)
    set(TENSORVK_PROTOBUF_FOUND ON)
endif()
tvk_require(TENSORVK_PROTOBUF_FOUND "protobuf's lite runtime" libprotobuf-dev)
find_program(TENSORVK_PROTOC protoc)
tvk_require(TENSORVK_PROTOC "the protobuf compiler protoc" protobuf-compiler)
add_library(tvk_protobuf INTERFACE)
target_include_directories(tvk_protobuf SYSTEM INTERFACE "${TENSORVK_PROTOBUF_HEADERS}")
target_link_libraries(tvk_protobuf INTERFACE "${TENSORVK_PROTOBUF_LIBRARY}" Threads::Threads)

if(TENSORVK_BUILD_TESTS)
    find_package(GTest CONFIG QUIET)
    tvk_require(GTest_FOUND "GoogleTest" libgtest-dev)
endif()

# The build's Python runs the shader compiler; its environment holds glslang, spirv-val and pybind11.
# Set here, since find_package alone would stay with the Python that an earlier configuration found.
foreach(folder IN ITEMS "$ENV{VIRTUAL_ENV}" "${CMAKE_SOURCE_DIR}/.venv")
    if(NOT Python_EXECUTABLE AND folder AND EXISTS "${folder}/bin/python")
        set(Python_EXECUTABLE "${folder}/bin/python")
    endif()
endforeach()
set(components Interpreter)
# pip calls CMake through scikit-build-core; this build does not.
set(not_needed scikit-build-core)
if(TENSORVK_BUILD_PYTHON)
    list(APPEND components Development.Module)
else()
    list(APPEND not_needed pybind11)
endif()
find_package(Python 3.11 REQUIRED COMPONENTS ${components})
execute_process(
    COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/missing_packages.py" ${not_needed}
    OUTPUT_VARIABLE missing
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(missing)
    # CMake does not wrap indented lines, so that the commands can be copied.
    message(FATAL_ERROR "TensorVK's build needs packages that ${Python_EXECUTABLE} does not have. Run once, to make .venv:\n"
                        "  ./run test\n"
                        "or in a virtual environment, and configure again:\n"
                        "  pip install ${missing}")
endif()
if(TENSORVK_BUILD_PYTHON)
    execute_process(
        COMMAND "${Python_EXECUTABLE}" -c "import pybind11; print(pybind11.get_cmake_dir())"
        OUTPUT_VARIABLE pybind11_DIR
        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(PYBIND11_FINDPYTHON ON)
    find_package(pybind11 CONFIG REQUIRED)
endif()
