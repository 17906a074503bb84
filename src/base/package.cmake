# cmake --install also installs what other projects find by find_package(headroom): libraries, the public
# headers of the rooms, and the files of the package. All of them find each other by relative paths, so that
# an installation can be moved.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(headroom_package ${CMAKE_INSTALL_LIBDIR}/cmake/headroom)
set(headroom_package_folder ${CMAKE_CURRENT_LIST_DIR})

# headroom_public(TARGET...): installs targets headroom_NAME, which other projects know as headroom::NAME.
function(headroom_public)
    foreach(target IN LISTS ARGN)
        string(REGEX REPLACE "^headroom_" "" name ${target})
        set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    endforeach()
    install(TARGETS ${ARGN} EXPORT headroom ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# headroom_component(NAME TARGET): makes the target headroom::NAME, which other projects link. Its public
# headers are those in include/headroom of this folder.
function(headroom_component name target)
    headroom_public(${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    set_property(GLOBAL APPEND PROPERTY headroom_components ${name})
    set(include ${CMAKE_CURRENT_SOURCE_DIR}/include)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${include}>)
    set_property(GLOBAL APPEND PROPERTY headroom_include_folders ${include})
endfunction()

# headroom_install_package(): installs the package, after all components have been declared.
function(headroom_install_package)
    get_property(components GLOBAL PROPERTY headroom_components)
    get_property(folders GLOBAL PROPERTY headroom_include_folders)
    list(REMOVE_DUPLICATES folders)
    list(JOIN components ", " components_text)
    set(include ${CMAKE_INSTALL_INCLUDEDIR})
    foreach(folder IN LISTS folders)
        install(DIRECTORY ${folder}/headroom DESTINATION ${include})
    endforeach()
    install(CODE "set(source [[${CMAKE_SOURCE_DIR}]])
set(folders [[${folders}]])
set(destination \"\${CMAKE_INSTALL_PREFIX}/${include}/headroom/internal\")
include([[${headroom_package_folder}/package_headers.cmake]])")
    target_include_directories(headroom_options INTERFACE
        $<INSTALL_INTERFACE:${include}> $<INSTALL_INTERFACE:${include}/headroom/internal>)

    set(uses_openblas FALSE)
    if(TARGET headroom_kernels)
        get_target_property(libraries headroom_kernels LINK_LIBRARIES)
        if("PkgConfig::openblas" IN_LIST libraries)
            set(uses_openblas TRUE)
        endif()
    endif()
    install(EXPORT headroom NAMESPACE headroom:: FILE headroom-targets.cmake
        DESTINATION ${headroom_package})
    configure_package_config_file(${headroom_package_folder}/headroom-config.cmake.in
        ${CMAKE_BINARY_DIR}/headroom-config.cmake INSTALL_DESTINATION ${headroom_package}
        NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
    write_basic_package_version_file(${CMAKE_BINARY_DIR}/headroom-config-version.cmake
        COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_BINARY_DIR}/headroom-config.cmake
        ${CMAKE_BINARY_DIR}/headroom-config-version.cmake DESTINATION ${headroom_package})
endfunction()
