# Language level, warnings, sanitizers, and the faster tools when the machine has them.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Where programs of the build tree find the components that are opened at run time.
set(CMAKE_BUILD_RPATH "${CMAKE_BINARY_DIR}/python/tensorvk")
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(TENSORVK_CCACHE ccache)
if(TENSORVK_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Paths relative to the source tree, so that all build folders share what one of them compiled.
    # The sloppiness is what ccache asks for before it caches anything that uses precompiled headers. These hold the paths of their headers as they
    # were: what another clone compiled is not ours, hence the namespace. Without its depend mode ccache preprocesses, and where a precompiled header is to be
    # made anew it would find the old one in its place, and give back what was once made after that, of whatever headers.
    set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "CCACHE_NAMESPACE=${CMAKE_SOURCE_DIR}"
        "CCACHE_SLOPPINESS=pch_defines,time_macros" "CCACHE_DEPEND=1" "${TENSORVK_CCACHE}")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-fpch-preprocess)
    endif()
endif()
find_program(TENSORVK_MOLD mold)
if(TENSORVK_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

add_library(tvk_warnings INTERFACE)
target_compile_options(
    tvk_warnings
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wconversion
              -Wshadow
              -Wnon-virtual-dtor
              -Woverloaded-virtual
              -Wcast-align
              -Wdouble-promotion)
# GCC 12 reports false positives of this kind inside the standard library once functions are inlined.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tvk_warnings INTERFACE -Wno-restrict)
endif()

if(TENSORVK_SANITIZE)
    add_compile_options(-fsanitize=${TENSORVK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${TENSORVK_SANITIZE})
endif()
