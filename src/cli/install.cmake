# cmake --install: the program with its data, the scripts for users, and the documentation. The program finds
# them by its own path (installed.hpp).
install(TARGETS headroom RUNTIME DESTINATION bin)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/data/ DESTINATION share/headroom)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts DESTINATION share/headroom USE_SOURCE_PERMISSIONS
    # These scripts work only in a checkout.
    PATTERN experiments EXCLUDE
    PATTERN story_model EXCLUDE
    PATTERN demo EXCLUDE
    PATTERN fuzz EXCLUDE
    PATTERN lint_rooms.py EXCLUDE
    PATTERN lint_manual.py EXCLUDE
    PATTERN setup.sh EXCLUDE
    PATTERN test EXCLUDE
    PATTERN __pycache__ EXCLUDE)
# The folders are those of the checkout, so that links between pages and in messages work.
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/headroom)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION share/doc/headroom)

# Links the checkout's data to the place where an installed program looks for its data.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/data ${CMAKE_BINARY_DIR}/share/headroom SYMBOLIC)
