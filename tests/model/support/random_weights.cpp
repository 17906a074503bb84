#include "tests/model/support/random_weights.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <span>
#include <utility>

#include "base/random.hpp"
#include "tests/kernels/naive.hpp"
#include "tests/model/support/gguf_writer.hpp"

namespace headroom::model::test {

namespace {

/// A half between step and twice that, its last ten bits drawn.
std::string random_half(Random& random, double step) {
    const int exponent = std::max(1, static_cast<int>(std::floor(std::log2(step))) + 15);
    return raw(
        static_cast<std::uint16_t>((static_cast<unsigned>(exponent) << 10) | random.below(1024))
    );
}

std::string random_bytes(Random& random, std::uint64_t count) {
    std::string bytes;
    for (std::uint64_t i = 0; i < count; ++i) {
        bytes += static_cast<char>(random.below(256));
    }
    return bytes;
}

/// A place in a block, and a half of about this size; its sign is that of the size.
using HalfAt = std::pair<std::uint64_t, double>;

/// Returns a random block with these halves, and random bytes everywhere else.
std::string with_halves(Random& random, std::uint64_t bytes, std::initializer_list<HalfAt> halves) {
    std::string block;
    for (const auto& [at, size] : halves) {
        block += random_bytes(random, at - block.size());
        block += random_half(random, std::abs(size));
        block.back() = static_cast<char>(block.back() | (size < 0 ? '\x80' : '\0'));
    }
    return block + random_bytes(random, bytes - block.size());
}

/// A stored type, by ggml's description of its blocks.
struct Format {
    StoredType type;
    WeightType weight_type;
    StoredBlock block;
    /// Returns a random block with weights up to about `amplitude`; `value` is between the two.
    std::string (*random)(Random& random, double amplitude, double value);
};

const Format kFormats[] = {
    {StoredType::f32,
     WeightType::f32,
     {1, 4, {0, 0}},
     [](Random&, double, double value) { return raw(static_cast<float>(value)); }},
    {StoredType::f16,
     WeightType::f16,
     {1, 2, {0, 0}},
     [](Random& random, double amplitude, double value) {
         const double step = std::ldexp(amplitude, -static_cast<int>(random.below(12)));
         return with_halves(random, 2, {{0, value < 0 ? -step : step}});
     }},
    {StoredType::bf16,
     WeightType::bf16,
     {1, 2, {0, 0}},
     [](Random&, double, double value) { return raw(static_cast<float>(value)).substr(2); }},
    {StoredType::q4_0,
     WeightType::q4_0,
     {32, 18, {0, 0}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 18, {{0, amplitude / 8}});
     }},
    {StoredType::q4_1, // 15 · scale spans two amplitudes, the minimum takes away one
     WeightType::q4_1,
     {32, 20, {0, 2}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 20, {{0, amplitude / 8}, {2, -amplitude}});
     }},
    {StoredType::q5_0,
     WeightType::q5_0,
     {32, 22, {0, 0}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 22, {{0, amplitude / 16}});
     }},
    {StoredType::q5_1,
     WeightType::q5_1,
     {32, 24, {0, 2}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 24, {{0, amplitude / 16}, {2, -amplitude}});
     }},
    {StoredType::q8_0,
     WeightType::q8_0,
     {32, 34, {0, 0}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 34, {{0, amplitude / 128}});
     }},
    {StoredType::q2_k, // scale 15 · two bits; the minimum is up to 15 · dmin
     WeightType::q2_k,
     {256, 84, {80, 82}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 84, {{80, amplitude / 22}, {82, amplitude / 15}});
     }},
    {StoredType::q3_k, // scale −32 · (three bits − 4)
     WeightType::q3_k,
     {256, 110, {108, 108}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 110, {{108, amplitude / 128}});
     }},
    // Scale 63 · nibble 15 spans two amplitudes, the minimum takes away one.
    {StoredType::q4_k,
     WeightType::q4_k,
     {256, 144, {0, 2}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 144, {{0, amplitude / 480}, {2, amplitude / 64}});
     }},
    {StoredType::q5_k,
     WeightType::q5_k,
     {256, 176, {0, 2}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 176, {{0, amplitude / 960}, {2, amplitude / 64}});
     }},
    {StoredType::q6_k, // scale 127 · (six bits − 32)
     WeightType::q6_k,
     {256, 210, {208, 208}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 210, {{208, amplitude / 4096}});
     }},
    {StoredType::iq4_nl, // codes stand for −127 to 113
     WeightType::iq4_nl,
     {32, 18, {0, 0}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 18, {{0, amplitude / 128}});
     }},
    {StoredType::iq4_xs, // scale −32 · these
     WeightType::iq4_xs,
     {256, 136, {0, 0}},
     [](Random& random, double amplitude, double) {
         return with_halves(random, 136, {{0, amplitude / 4096}});
     }},
    {StoredType::mxfp4, // a power of two · numbers up to 6
     WeightType::mxfp4,
     {32, 17, {0, 0}},
     [](Random& random, double amplitude, double) {
         std::string block = random_bytes(random, 17);
         const int least = 127 + static_cast<int>(std::floor(std::log2(amplitude / 6)));
         block[0] = static_cast<char>(least + static_cast<int>(random.below(2)));
         return block;
     }},
};

const Format& format_of(StoredType type) {
    return *std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& format) {
        return format.type == type;
    });
}

} // namespace

WeightType weight_type_of(StoredType type) {
    return format_of(type).weight_type;
}

std::string_view name_of(StoredType type) {
    return headroom::name_of(weight_type_of(type));
}

StoredBlock block_of(StoredType type) {
    return format_of(type).block;
}

std::uint64_t stored_bytes(StoredType type, std::uint64_t count) {
    return count / block_of(type).weights * block_of(type).bytes;
}

std::string random_weights(
    std::uint64_t stream, std::uint64_t count, double amplitude, StoredType type
) {
    const Format& format = format_of(type);
    Random random(stream);
    std::string data;
    data.reserve(stored_bytes(type, count));
    for (std::uint64_t i = 0; i < count; i += format.block.weights) {
        const double value = (2 * random.unit() - 1) * amplitude;
        data += format.random(random, amplitude, value);
    }
    return data;
}

double weight_at(std::string_view data, std::uint64_t i, StoredType type) {
    const StoredBlock block = block_of(type);
    const auto bytes = std::as_bytes(std::span(data)).subspan(i / block.weights * block.bytes);
    return kernels::naive::element_of_block(
        weight_type_of(type), bytes.data(), static_cast<std::int64_t>(i % block.weights)
    );
}

} // namespace headroom::model::test
