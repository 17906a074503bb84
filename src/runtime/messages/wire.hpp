// The header of data messages, and the writer and reader of control messages, which are sent as
// flat bytes. All ranks run the same executable, so structs are copied with the compiler's own
// layout.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/check.hpp"
#include "base/units.hpp"
#include "device/device_clock.hpp"

namespace headroom::runtime {

/// Precedes every activation message and every migrated piece.
struct WireHeader {
    std::int64_t epoch = 0;
    std::int64_t turn = 0;   ///< activations: number of the turn; migration: index of the piece
    std::int32_t kind = 0;   ///< activations: scheduler::Payload; migration: -1
    std::int32_t index = -1; ///< activations: layer; migration: block
    std::int64_t bytes = 0;  ///< size of the payload that follows
    device::MessageTiming timing;
    std::uint64_t checksum = 0; ///< migration: of the piece; sampled token: of its logits
};
static_assert(std::is_trivially_copyable_v<WireHeader> && sizeof(WireHeader) == 64);

class ByteWriter {
  public:
    /// Reserves room for most messages. (This also avoids a false -Warray-bounds of GCC 12.)
    ByteWriter() { bytes_.reserve(256); }
    template <class T>
    ByteWriter& put(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        const auto* const first = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), first, first + sizeof(T));
        return *this;
    }
    template <class T>
    ByteWriter& put_all(std::span<const T> values) {
        put(static_cast<std::uint64_t>(values.size()));
        const auto raw = std::as_bytes(values);
        bytes_.insert(bytes_.end(), raw.begin(), raw.end());
        return *this;
    }
    ByteWriter& put_text(const std::string& text) {
        return put_all(std::span<const char>(text.data(), text.size()));
    }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

  private:
    std::vector<std::byte> bytes_;
};

class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    template <class T>
    [[nodiscard]] T get() {
        T value;
        std::memcpy(&value, next(sizeof(T)).data(), sizeof(T));
        return value;
    }
    template <class T>
    [[nodiscard]] std::vector<T> get_all() {
        const auto count = get<std::uint64_t>();
        HEADROOM_CHECK(
            count <= bytes_.size() / sizeof(T), "{} elements in {} bytes", count, bytes_.size()
        );
        std::vector<T> values(count);
        const auto raw = next(count * sizeof(T));
        if (!raw.empty()) {
            std::memcpy(values.data(), raw.data(), raw.size());
        }
        return values;
    }
    [[nodiscard]] std::string get_text() {
        const std::vector<char> characters = get_all<char>();
        return {characters.begin(), characters.end()};
    }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }

  private:
    std::span<const std::byte> next(std::size_t count) {
        HEADROOM_CHECK(count <= bytes_.size(), "{} bytes wanted, {} left", count, bytes_.size());
        const auto front = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return front;
    }
    std::span<const std::byte> bytes_;
};

} // namespace headroom::runtime
