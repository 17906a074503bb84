// Owners of HDF5's ids, and what becomes of its errors: an EnvironmentError with one sentence, and
// the library's error stack only for who wants it (--verbose). Each C function of HDF5 is called in
// one place of this folder.
#pragma once

#include <string>
#include <utility>

#include <hdf5.h>

#include "base/error.hpp"

namespace headroom::trace::h5 {

/// The machine has no descriptor or no memory left: no fault of the file.
class ShortageError : public EnvironmentError {
  public:
    using EnvironmentError::EnvironmentError;
};
/// Throws it if that is what errno says.
void fail_if_short(int error);

/// Throws EnvironmentError: why, as far as it can be told; --verbose: and HDF5's error stack,
/// outermost first.
[[noreturn]] void fail(const char* call);

/// What HDF5 returned, if it is not negative; throws EnvironmentError otherwise.
template <class Result>
Result checked(Result result, const char* call) {
    if (result < 0) {
        fail(call);
    }
    return result;
}

/// To be called before anything else: HDF5 neither prints its errors (the text is in our
/// exceptions) nor, when the process ends, closes files that were left open on purpose,
/// nor loads code that a file or the environment names. Process-wide.
void prepare_library();

/// The version of the library in use, "1.10.8".
[[nodiscard]] std::string library_version();

/// Move-only owner of one id. close() on the normal path reports failure; the destructor, for the
/// way out after an error, does not.
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
    [[nodiscard]] bool open() const { return id_ >= 0; }
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
