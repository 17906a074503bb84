// Owners of HDF5 ids, and the handling of HDF5 errors. An error becomes an EnvironmentError with
// one sentence; with --verbose the library's error stack is added. Only this folder calls HDF5.
#pragma once

#include <string>
#include <utility>

#include <hdf5.h>

#include "base/error.hpp"

namespace headroom::trace::h5 {

/// Thrown if the computer lacks file descriptors or memory, so the file is not to blame.
class HostLimitError : public EnvironmentError {
  public:
    using EnvironmentError::EnvironmentError;
};
/// Throws HostLimitError if `error` (an errno) means a lack of file descriptors or memory.
void throw_if_host_limit(int error);

/// Throws EnvironmentError with the reason why the C function named `call` failed, as far as HDF5
/// tells it. With --verbose HDF5's error stack is added, outermost function first.
[[noreturn]] void fail(const char* call);

/// Returns the result of the C function `call`. Throws EnvironmentError if the result is negative.
template <class Result>
Result checked(Result result, const char* call) {
    if (result < 0) {
        fail(call);
    }
    return result;
}

/// Must be called in each thread before other functions of this folder. Afterwards HDF5 does not
/// print errors, does not close open files when the process ends (writer.cpp leaves some open on
/// purpose), and does not load plugins that a file or the environment names.
void prepare_library();

/// Returns the version of the library, such as "1.10.8".
[[nodiscard]] std::string library_version();

/// Move-only owner of one HDF5 id. If closing fails, close() throws and the destructor does not, so
/// code that writes a file calls close().
template <herr_t (*Close)(hid_t)>
class Handle {
  public:
    Handle() = default;
    explicit Handle(hid_t id) : id_(id) {}
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, hid_t{-1})) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (id_ >= 0) {
            Close(id_);
        }
    }

    [[nodiscard]] hid_t get() const { return id_; }
    [[nodiscard]] bool is_open() const { return id_ >= 0; }
    void close() {
        if (id_ >= 0) {
            checked(Close(std::exchange(id_, hid_t{-1})), "close");
        }
    }

  private:
    hid_t id_ = -1;
};

using Attribute = Handle<H5Aclose>;
using Dataset = Handle<H5Dclose>;
using File = Handle<H5Fclose>;
using Properties = Handle<H5Pclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;

} // namespace headroom::trace::h5
