#include "tests/model/support/random_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/random.hpp"
#include "tests/model/support/gguf_writer.hpp"

namespace headroom::model::test {

namespace {

double half(std::string_view data, std::uint64_t at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, data.data() + at, sizeof bits);
    const int exponent = (bits >> 10) & 31;
    const int mantissa = bits & 1023;
    const double size =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
}

double single(std::string_view data) {
    float value = 0;
    std::memcpy(&value, data.data(), sizeof value);
    return value;
}

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

int byte(std::string_view data, std::uint64_t at) {
    return static_cast<unsigned char>(data[at]);
}

/// Q4_K, or Q5_K: the bits above the nibbles stand in between.
double q45_k_at(std::string_view block, std::uint64_t i) {
    const std::uint64_t j = i / 32;
    const auto bits = [&](std::uint64_t at, int shift, int count) {
        return byte(block, 4 + at) >> shift & ((1 << count) - 1);
    };
    const int scale = j < 4 ? bits(j, 0, 6) : bits(j + 4, 0, 4) + 16 * bits(j - 4, 6, 2);
    const int least = j < 4 ? bits(j + 4, 0, 6) : bits(j + 4, 4, 4) + 16 * bits(j, 6, 2);
    const int pair = byte(block, block.size() - 128 + i / 64 * 32 + i % 32);
    const int nibble = i / 32 % 2 == 0 ? pair % 16 : pair / 16;
    const int fifth = block.size() == 176 ? bits(12 + i % 32, static_cast<int>(j), 1) : 0;
    return half(block, 0) * scale * (nibble + 16 * fifth) - half(block, 2) * least;
}

double q6_k_at(std::string_view block, std::uint64_t i) {
    const std::uint64_t part = i / 128;
    const std::uint64_t within = i % 128;
    const int pair = byte(block, 64 * part + within % 64);
    const int low = within < 64 ? pair % 16 : pair / 16;
    const int high = byte(block, 128 + 32 * part + within % 32) >> (within / 32 * 2) & 3;
    const auto scale = static_cast<signed char>(block[192 + i / 16]);
    return half(block, 208) * scale * (low + 16 * high - 32);
}

/// A stored type, by ggml's description of its blocks.
struct Format {
    StoredType type;
    std::string_view name;
    StoredBlock block;
    /// Returns a random block with weights up to about `amplitude`; `value` is between the two.
    std::string (*random)(Random& random, double amplitude, double value);
    /// Returns weight i of a block.
    double (*weight)(std::string_view block, std::uint64_t i);
};

const Format kFormats[] = {
    {StoredType::f32,
     "f32",
     {1, 4, {0, 0}},
     [](Random&, double, double value) { return raw(static_cast<float>(value)); },
     [](std::string_view block, std::uint64_t) { return single(block); }},
    {StoredType::f16,
     "f16",
     {1, 2, {0, 0}},
     [](Random& random, double amplitude, double value) {
         const double step = std::ldexp(amplitude, -static_cast<int>(random.below(12)));
         std::string block = random_half(random, step);
         block[1] = static_cast<char>(block[1] | (value < 0 ? '\x80' : '\0'));
         return block;
     },
     [](std::string_view block, std::uint64_t) { return half(block, 0); }},
    {StoredType::bf16,
     "bf16",
     {1, 2, {0, 0}},
     [](Random&, double, double value) { return raw(static_cast<float>(value)).substr(2); },
     [](std::string_view block, std::uint64_t) {
         return single(std::string(2, '\0') + std::string(block));
     }},
    {StoredType::q4_0,
     "q4_0",
     {32, 18, {0, 0}},
     [](Random& random, double amplitude, double) {
         const std::string scale = random_half(random, amplitude / 8);
         return scale + random_bytes(random, 16);
     },
     [](std::string_view block, std::uint64_t i) {
         const int pair = byte(block, 2 + i % 16);
         return half(block, 0) * ((i < 16 ? pair % 16 : pair / 16) - 8);
     }},
    {StoredType::q8_0,
     "q8_0",
     {32, 34, {0, 0}},
     [](Random& random, double amplitude, double) {
         const std::string scale = random_half(random, amplitude / 128);
         return scale + random_bytes(random, 32);
     },
     [](std::string_view block, std::uint64_t i) {
         return half(block, 0) * static_cast<signed char>(block[2 + i]);
     }},
    // Scale 63 · nibble 15 spans two amplitudes, the minimum takes away one.
    {StoredType::q4_k,
     "q4_k",
     {256, 144, {0, 2}},
     [](Random& random, double amplitude, double) {
         std::string block = random_half(random, amplitude / 480);
         block += random_half(random, amplitude / 64);
         return block + random_bytes(random, 140);
     },
     q45_k_at},
    {StoredType::q5_k,
     "q5_k",
     {256, 176, {0, 2}},
     [](Random& random, double amplitude, double) {
         std::string block = random_half(random, amplitude / 960);
         block += random_half(random, amplitude / 64);
         return block + random_bytes(random, 172);
     },
     q45_k_at},
    {StoredType::q6_k, // scale 127 · (six bits − 32)
     "q6_k",
     {256, 210, {208, 208}},
     [](Random& random, double amplitude, double) {
         const std::string block = random_bytes(random, 208);
         return block + random_half(random, amplitude / 4096);
     },
     q6_k_at},
};

const Format& format_of(StoredType type) {
    return *std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& format) {
        return format.type == type;
    });
}

} // namespace

std::string_view name_of(StoredType type) {
    return format_of(type).name;
}

StoredBlock block_of(StoredType type) {
    return format_of(type).block;
}

std::uint64_t stored_bytes(StoredType type, std::uint64_t count) {
    return count / block_of(type).weights * block_of(type).bytes;
}

WeightType computed_type(StoredType type) {
    for (const WeightFormat& format : kWeightFormats) {
        if (format.name == name_of(type)) {
            return format.type;
        }
    }
    return WeightType::f32;
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
    const Format& format = format_of(type);
    const std::string_view block =
        data.substr(i / format.block.weights * format.block.bytes, format.block.bytes);
    return format.weight(block, i % format.block.weights);
}

} // namespace headroom::model::test
