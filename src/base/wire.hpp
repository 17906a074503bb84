// Structs as flat bytes, for messages between MPI ranks. A struct lists its fields once:
//
//     struct Step {
//         std::int64_t number = 0;
//         std::string name;
//         static auto wire_fields(auto& m) { return Fields() & m.number & m.name; }
//     };
//
// A field is a number, a truth value, an enumeration, a text, a path, an optional, a vector, or a
// struct with such a list. Numbers have the size and byte order that they have in memory. So both
// sides must run the same program; src/cli/launch checks this.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/ids.hpp"

namespace headroom {

/// References to the fields of a struct.
template <class... T>
struct Fields {
    std::tuple<T&...> all{};
    template <class Next>
    auto operator&(Next& next) const {
        return Fields<T..., Next>{std::tuple_cat(all, std::tie(next))};
    }
};
Fields()->Fields<>;

/// of() returns the fields of a struct. A struct without wire_fields() needs a specialisation with
/// its list. If a list leaves out fields on purpose, it must be in a specialisation of WireFields
/// that has a static member `kIncomplete`; otherwise WireWriter::put does not compile.
template <class T>
struct WireFields {
    static auto of(auto& m) { return T::wire_fields(m); }
};
template <class Tag>
struct WireFields<Id<Tag>> {
    static auto of(auto& m) { return Fields() & m.value; }
};
template <class A, class B>
struct WireFields<std::pair<A, B>> {
    static auto of(auto& m) { return Fields() & m.first & m.second; }
};

/// A value that converts to any type. field_count() counts the fields of a struct by testing from
/// how many such values the struct can be constructed. The conversion is never executed; it has a
/// body only because clang complains about a conversion without one.
struct AnyField {
    template <class T>
    operator T() const {
        std::abort();
    }
};

template <class T, class... F>
[[nodiscard]] consteval std::size_t field_count() {
    if constexpr (requires { T{F{}..., AnyField{}}; }) {
        return field_count<T, F..., AnyField>();
    } else {
        return sizeof...(F);
    }
}

/// Returns whether the list of a struct has as many entries as the struct has fields.
template <class T>
[[nodiscard]] consteval bool lists_every_field() {
    using List = decltype(WireFields<T>::of(std::declval<T&>()).all);
    return std::tuple_size_v<List> == field_count<T>();
}

template <class T>
concept WireNumber = (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&!std::is_same_v<T, bool>;
template <class T>
concept WirePath = requires(const T& value) {
    value.native();
};
template <class T>
concept WireOptional = requires(const T& value) {
    value.has_value();
};
template <class T>
concept WireSequence = requires(T& value) {
    value.resize(1);
};

class WireWriter {
  public:
    /// Reserves as many bytes as most messages need. (This also avoids a false -Warray-bounds of
    /// GCC 12.)
    WireWriter() { bytes_.reserve(256); }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

    template <class T>
    void put(const T& value) {
        if constexpr (WireNumber<T> || std::is_same_v<T, bool>) {
            put_bytes(std::as_bytes(std::span(&value, 1)));
        } else if constexpr (WirePath<T>) {
            put(value.native());
        } else if constexpr (WireOptional<T>) {
            put(value.has_value());
            if (value) {
                put(*value);
            }
        } else if constexpr (WireSequence<T>) {
            put(static_cast<std::uint64_t>(value.size()));
            if constexpr (WireNumber<typename T::value_type>) {
                put_bytes(std::as_bytes(std::span(value)));
            } else {
                for (const auto& element : value) {
                    put(element);
                }
            }
        } else {
            static_assert(lists_every_field<T>() || !std::is_aggregate_v<T> || requires {
                WireFields<T>::kIncomplete;
            });
            const auto put_all = [&](const auto&... field) { (put(field), ...); };
            std::apply(put_all, WireFields<T>::of(value).all);
        }
    }

  private:
    void put_bytes(std::span<const std::byte> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    std::vector<std::byte> bytes_;
};

/// Reads values from bytes. Throws Bug if the bytes end early, or if a truth value is neither 0 nor
/// 1. Also throws Bug if a text or vector has more elements than the remaining bytes can hold; this
/// is checked before memory for the elements is allocated.
class WireReader {
  public:
    explicit WireReader(std::span<const std::byte> bytes) : size_(bytes.size()), rest_(bytes) {}

    template <class T>
    void get(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            const auto byte = std::to_integer<int>(next(1).front());
            HEADROOM_CHECK(byte <= 1, "truth value {} {}", byte, place());
            value = byte == 1;
        } else if constexpr (WireNumber<T>) {
            std::memcpy(&value, next(sizeof(T)).data(), sizeof(T));
        } else if constexpr (WirePath<T>) {
            std::string text;
            get(text);
            value = std::move(text);
        } else if constexpr (WireOptional<T>) {
            bool has_value = false;
            get(has_value);
            value.reset();
            if (has_value) {
                get(value.emplace());
            }
        } else if constexpr (WireSequence<T>) {
            get_sequence(value);
        } else {
            const auto get_all = [&](auto&... field) { (get(field), ...); };
            std::apply(get_all, WireFields<T>::of(value).all);
        }
    }
    void check_end() const {
        HEADROOM_CHECK(rest_.empty(), "{} bytes too many {}", rest_.size(), place());
    }

  private:
    template <class T>
    void get_sequence(T& values) {
        using Element = typename T::value_type;
        constexpr std::size_t kLeastBytes = WireNumber<Element> ? sizeof(Element) : 1;
        std::uint64_t count = 0;
        get(count);
        HEADROOM_CHECK(count <= rest_.size() / kLeastBytes, "{} elements {}", count, place());
        values.resize(static_cast<std::size_t>(count));
        if constexpr (WireNumber<Element>) {
            const auto bytes = next(values.size() * sizeof(Element));
            if (!bytes.empty()) {
                std::memcpy(values.data(), bytes.data(), bytes.size());
            }
        } else {
            for (Element& element : values) {
                get(element);
            }
        }
    }
    std::span<const std::byte> next(std::size_t count) {
        HEADROOM_CHECK(count <= rest_.size(), "{} bytes wanted {}", count, place());
        const auto front = rest_.first(count);
        rest_ = rest_.subspan(count);
        return front;
    }
    [[nodiscard]] std::string place() const {
        return fmt::format("at byte {} of a message of {}", size_ - rest_.size(), size_);
    }
    std::size_t size_;
    std::span<const std::byte> rest_;
};

template <class T>
[[nodiscard]] std::vector<std::byte> pack(const T& value) {
    WireWriter writer;
    writer.put(value);
    return writer.take();
}

/// Returns the value at the beginning of these bytes; more bytes may follow.
template <class T>
[[nodiscard]] T unpack_front(std::span<const std::byte> bytes) {
    T value{};
    WireReader(bytes).get(value);
    return value;
}

/// Returns the value that all of these bytes hold. Throws Bug if bytes are left over.
template <class T>
[[nodiscard]] T unpack(std::span<const std::byte> bytes) {
    T value{};
    WireReader reader(bytes);
    reader.get(value);
    reader.check_end();
    return value;
}

} // namespace headroom
