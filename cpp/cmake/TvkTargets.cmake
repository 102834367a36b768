# One function for each kind of target, so that a room's CMakeLists.txt is only a list of files.

# Room names become targets (support -> tvk_support); everything else is passed on as it is.
function(tvk_resolve_depends out)
    set(resolved)
    foreach(name IN LISTS ARGN)
        if(name IN_LIST TENSORVK_ROOMS)
            list(APPEND resolved tvk_${name})
        else()
            list(APPEND resolved ${name})
        endif()
    endforeach()
    set(${out} ${resolved} PARENT_SCOPE)
endfunction()

# tvk_add_room(<room> SOURCES <files> [DEPENDS <rooms or targets>] [PRECOMPILE <headers>]): the static library tvk_<room>.
# PRECOMPILE: what nearly all its files begin with. Reading it anew each time takes as long as compiling the rest.
function(tvk_add_room room)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPENDS;PRECOMPILE")
    tvk_resolve_depends(depends ${ARG_DEPENDS})
    add_library(tvk_${room} STATIC ${ARG_SOURCES})
    target_include_directories(tvk_${room} PUBLIC "${CMAKE_SOURCE_DIR}/cpp/src" "${CMAKE_SOURCE_DIR}/cpp/include")
    target_link_libraries(tvk_${room} PUBLIC ${depends} PRIVATE tvk_warnings)
    target_precompile_headers(tvk_${room} PRIVATE ${ARG_PRECOMPILE})
    if(room STREQUAL "kernels")
        target_link_libraries(tvk_kernels PUBLIC tvk_embedded_kernels)
    endif()
endfunction()

# tvk_add_test(<room> SOURCES <files> [DEPENDS <rooms or targets>] [PARTS <n>] [ENVIRONMENT <settings>]): the GoogleTest program test_<room>,
# known to ctest: as <room>, or as n parts, <room>_1 and so on, of which ctest -j runs several at a time.
function(tvk_add_test room)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "PARTS" "SOURCES;DEPENDS;ENVIRONMENT")
    tvk_resolve_depends(depends ${room} ${ARG_DEPENDS})
    add_executable(test_${room} ${ARG_SOURCES})
    target_include_directories(test_${room} PRIVATE "${CMAKE_SOURCE_DIR}/tests/cpp")
    target_link_libraries(test_${room} PRIVATE ${depends} tvk_warnings GTest::gtest GTest::gtest_main)
    target_compile_definitions(test_${room} PRIVATE TENSORVK_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_compile_options(test_${room} PRIVATE $<$<CONFIG:Release>:-O1>) # what is slow in tests is the code under test
    if(NOT ARG_PARTS)
        add_test(NAME ${room} COMMAND test_${room})
        set_tests_properties(${room} PROPERTIES TIMEOUT 900 ENVIRONMENT "${ARG_ENVIRONMENT}")
        return()
    endif()
    foreach(part RANGE 1 ${ARG_PARTS})
        add_test(NAME ${room}_${part} COMMAND test_${room})
        math(EXPR index "${part} - 1")
        set_tests_properties(
            ${room}_${part}
            PROPERTIES TIMEOUT 900 ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_PARTS};GTEST_SHARD_INDEX=${index};${ARG_ENVIRONMENT}")
    endforeach()
endfunction()

# tvk_generate_flatbuffers(<room> <schema.fbs>): <schema>_generated.h, included as "<room>/<schema>_generated.h".
function(tvk_generate_flatbuffers room schema)
    get_filename_component(stem "${schema}" NAME_WE)
    set(folder "${CMAKE_BINARY_DIR}/generated/${room}")
    set(header "${folder}/${stem}_generated.h")
    add_custom_command(
        OUTPUT "${header}"
        COMMAND "${TENSORVK_FLATC}" --cpp --scoped-enums -o "${folder}" "${CMAKE_CURRENT_SOURCE_DIR}/${schema}"
        DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${schema}"
        COMMENT "Generating ${room}/${stem}_generated.h"
        VERBATIM)
    target_sources(tvk_${room} PRIVATE "${header}")
    target_include_directories(tvk_${room} SYSTEM PUBLIC "${CMAKE_BINARY_DIR}/generated")
    target_link_libraries(tvk_${room} PUBLIC tvk_flatbuffers)
endfunction()

# tvk_generate_protobuf(<room> <schema.proto>): <schema>.pb.{h,cc}, included as "<room>/<schema>.pb.h".
# Generated code is compiled as a target of its own, since it does not meet this project's warnings.
function(tvk_generate_protobuf room schema)
    get_filename_component(stem "${schema}" NAME_WE)
    set(folder "${CMAKE_BINARY_DIR}/generated/${room}")
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(
        OUTPUT "${folder}/${stem}.pb.h" "${folder}/${stem}.pb.cc"
        COMMAND "${TENSORVK_PROTOC}" "--cpp_out=lite:${folder}" "--proto_path=${CMAKE_CURRENT_SOURCE_DIR}"
                "${CMAKE_CURRENT_SOURCE_DIR}/${schema}"
        DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${schema}"
        COMMENT "Generating ${room}/${stem}.pb.h"
        VERBATIM)
    add_library(tvk_${room}_${stem} STATIC "${folder}/${stem}.pb.cc" "${folder}/${stem}.pb.h")
    target_compile_options(tvk_${room}_${stem} PRIVATE -w)
    target_include_directories(tvk_${room}_${stem} SYSTEM PUBLIC "${CMAKE_BINARY_DIR}/generated")
    target_link_libraries(tvk_${room}_${stem} PUBLIC tvk_protobuf)
    # Not PUBLIC to the rooms above: only this room sees protobuf.
    target_link_libraries(tvk_${room} PRIVATE tvk_${room}_${stem})
endfunction()

# tvk_add_end_library(<name> <rooms>): one shared library for C++ users made of whole rooms.
function(tvk_add_end_library name)
    if(NOT TENSORVK_BUILD_NATIVE)
        return()
    endif()
    set(rooms ${ARGN})
    list(TRANSFORM rooms PREPEND tvk_)
    # Whole rooms, whether anything refers to a file of theirs or not; the archives behind them bring what rooms depend on.
    set(objects ${rooms})
    list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
    add_library(${name} SHARED ${objects})
    set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}/cpp/include")
    target_link_libraries(${name} PRIVATE ${rooms})
endfunction()

# tvk_add_python_module(<name> SOURCES <files> DEPENDS <rooms>): python package member tensorvk.<name>.
# The wheel carries the shared libraries that it needs beside the module, found through $ORIGIN.
function(tvk_add_python_module name)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPENDS")
    tvk_resolve_depends(depends ${ARG_DEPENDS})
    # No link-time optimisation and little of any other: bindings hold no loops, and templates that take long to compile.
    pybind11_add_module(${name} MODULE NO_EXTRAS ${ARG_SOURCES})
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    target_precompile_headers(${name} PRIVATE <pybind11/pybind11.h> <pybind11/stl.h>)
    target_link_libraries(${name} PRIVATE ${depends} tvk_warnings)
    target_compile_definitions(${name} PRIVATE TENSORVK_VERSION="${PROJECT_VERSION}")
    # Archives stay invisible: another extension of the process may carry other versions of the same libraries.
    target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
    set_target_properties(
        ${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/python/tensorvk" INSTALL_RPATH "$ORIGIN")
    install(TARGETS ${name} LIBRARY DESTINATION tensorvk COMPONENT python)
    foreach(library IN ITEMS ${TENSORVK_PROTOBUF_LIBRARY} ${TENSORVK_ZSTD_LIBRARY} ${TENSORVK_IMAGE_LIBRARIES})
        tvk_install_bundled("${library}")
    endforeach()
endfunction()

# Installs a shared library under the name that the dynamic linker asks for (its SONAME).
function(tvk_install_bundled library)
    get_filename_component(real "${library}" REALPATH)
    if(NOT real MATCHES "\\.so")
        return()
    endif()
    execute_process(COMMAND "${CMAKE_OBJDUMP}" -p "${real}" OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "SONAME +([^ \n]+)" ignored "${headers}")
    install(FILES "${real}" DESTINATION tensorvk RENAME "${CMAKE_MATCH_1}" COMPONENT python)
endfunction()

# The build tree holds a complete package (links to the Python sources beside the built module), so that
# PYTHONPATH=<build>/python runs this build and several builds live side by side.
function(tvk_mirror_python_package)
    add_custom_target(
        tvk_python_package ALL
        COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${CMAKE_SOURCE_DIR}/python/tensorvk"
                "-DMIRROR=${CMAKE_BINARY_DIR}/python/tensorvk" -P "${CMAKE_SOURCE_DIR}/cpp/cmake/TvkMirror.cmake"
        COMMENT "Linking the Python package into the build tree"
        VERBATIM)
    if(TARGET tensorvk_onednn) # opened, not linked: nothing else asks for it
        add_dependencies(tvk_python_package tensorvk_onednn)
    endif()
endfunction()
