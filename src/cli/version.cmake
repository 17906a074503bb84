# Writes version.hpp with the commit that is being built; the file is changed only if the commit changes.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
    set(commit "unknown")
else()
    execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no
        OUTPUT_VARIABLE dirty ERROR_QUIET)
    if(dirty)
        string(APPEND commit "+changes")
    endif()
endif()
file(WRITE ${OUTPUT}.new "#pragma once
#define HEADROOM_VERSION \"${VERSION}\"
#define HEADROOM_COMMIT \"${commit}\"
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
