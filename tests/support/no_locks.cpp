// A library for LD_PRELOAD that makes file locks fail with error number NO_LOCKS_ERRNO. With
// LOSE_RENAMED=1 it removes every file directly after it was renamed.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace {

bool fails() {
    const char* const value = std::getenv("NO_LOCKS_ERRNO");
    if (value == nullptr) {
        return false;
    }
    errno = std::atoi(value);
    return true;
}

bool is_lock(int command) {
    switch (command) {
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return true;
    default:
        return false;
    }
}

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int changed_fcntl(int descriptor, int command, void* argument) {
    if (is_lock(command) && fails()) {
        return -1;
    }
    return real<int(int, int, ...)>("fcntl64")(descriptor, command, argument);
}

} // namespace

extern "C" int flock(int descriptor, int operation) noexcept {
    return fails() ? -1 : real<int(int, int)>("flock")(descriptor, operation);
}

// In 64-bit programs both names mean the same. A command has no argument, a number or a pointer.
extern "C" int fcntl64(int descriptor, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void* const argument = va_arg(rest, void*);
    va_end(rest);
    return changed_fcntl(descriptor, command, argument);
}

extern "C" int fcntl(int descriptor, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void* const argument = va_arg(rest, void*);
    va_end(rest);
    return changed_fcntl(descriptor, command, argument);
}

extern "C" int rename(const char* from, const char* to) noexcept {
    const int result = real<int(const char*, const char*)>("rename")(from, to);
    if (result == 0 && std::getenv("LOSE_RENAMED") != nullptr) {
        (void)unlink(to);
    }
    return result;
}
