# cmake --install: the program with its data, the scripts for users, and what describes them. Nothing
# in the program knows where that is: it looks beside itself (installed.hpp).
install(TARGETS headroom RUNTIME DESTINATION bin)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/data/ DESTINATION share/headroom)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts DESTINATION share/headroom USE_SOURCE_PERMISSIONS
    # These are for a checkout.
    PATTERN experiments EXCLUDE
    PATTERN story_model EXCLUDE
    PATTERN demo EXCLUDE
    PATTERN fuzz EXCLUDE
    PATTERN lint_rooms.py EXCLUDE
    PATTERN lint_manual.py EXCLUDE
    PATTERN setup.sh EXCLUDE
    PATTERN test EXCLUDE
    PATTERN __pycache__ EXCLUDE)
# With the folders of the checkout, so that the links between them and in messages hold.
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/headroom)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION share/doc/headroom)

# A build finds the checkout's data where an installed program finds its own.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/data ${CMAKE_BINARY_DIR}/share/headroom SYMBOLIC)
