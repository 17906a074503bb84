#include "tests/model/support/random_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/random.hpp"
#include "tests/model/support/gguf_writer.hpp"

namespace headroom::model::test {

namespace {

/// Weights and bytes of a block.
struct Block {
    std::uint64_t weights;
    std::uint64_t bytes;
};

Block block_of(StoredType type) {
    switch (type) {
    case StoredType::f32:
        return {1, 4};
    case StoredType::f16:
    case StoredType::bf16:
        return {1, 2};
    case StoredType::q4_0:
        return {32, 18};
    case StoredType::q8_0:
        return {32, 34};
    case StoredType::q4_k:
        return {256, 144};
    case StoredType::q5_k:
        return {256, 176};
    case StoredType::q6_k:
        return {256, 210};
    }
    return {1, 0};
}

double half(std::string_view data, std::uint64_t at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, data.data() + at, sizeof bits);
    const int exponent = (bits >> 10) & 31;
    const int mantissa = bits & 1023;
    const double size =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
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

std::string random_block(Random& random, double amplitude, StoredType type) {
    const double value = (2 * random.unit() - 1) * amplitude;
    const auto single = static_cast<float>(value);
    std::string block;
    switch (type) {
    case StoredType::f32:
        block = raw(single);
        break;
    case StoredType::bf16:
        block = raw(single).substr(2);
        break;
    case StoredType::f16:
        block = random_half(random, std::ldexp(amplitude, -static_cast<int>(random.below(12))));
        block[1] = static_cast<char>(block[1] | (value < 0 ? '\x80' : '\0'));
        break;
    case StoredType::q4_0:
        block = random_half(random, amplitude / 8);
        block += random_bytes(random, 16);
        break;
    case StoredType::q8_0:
        block = random_half(random, amplitude / 128);
        block += random_bytes(random, 32);
        break;
    case StoredType::q4_k: // scale 63 · nibble 15 spans two amplitudes, the minimum takes away one
        block = random_half(random, amplitude / 480);
        block += random_half(random, amplitude / 64);
        block += random_bytes(random, 140);
        break;
    case StoredType::q5_k:
        block = random_half(random, amplitude / 960);
        block += random_half(random, amplitude / 64);
        block += random_bytes(random, 172);
        break;
    case StoredType::q6_k: // scale 127 · (six bits − 32)
        block = random_bytes(random, 208);
        block += random_half(random, amplitude / 4096);
        break;
    }
    return block;
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

} // namespace

std::string_view name_of(StoredType type) {
    switch (type) {
    case StoredType::f32:
        return "f32";
    case StoredType::f16:
        return "f16";
    case StoredType::q4_0:
        return "q4_0";
    case StoredType::q8_0:
        return "q8_0";
    case StoredType::q4_k:
        return "q4_k";
    case StoredType::q5_k:
        return "q5_k";
    case StoredType::q6_k:
        return "q6_k";
    case StoredType::bf16:
        return "bf16";
    }
    return "?";
}

std::uint64_t stored_bytes(StoredType type, std::uint64_t count) {
    return count / block_of(type).weights * block_of(type).bytes;
}

WeightType computed_type(StoredType type) {
    return weight_type_named(name_of(type)).value_or(WeightType::f32);
}

std::string random_weights(
    std::uint64_t stream, std::uint64_t count, double amplitude, StoredType type
) {
    Random random(stream);
    std::string data;
    data.reserve(stored_bytes(type, count));
    for (std::uint64_t i = 0; i < count; i += block_of(type).weights) {
        data += random_block(random, amplitude, type);
    }
    return data;
}

double weight_at(std::string_view data, std::uint64_t i, StoredType type) {
    const Block size = block_of(type);
    const std::string_view block = data.substr(i / size.weights * size.bytes, size.bytes);
    const std::uint64_t within = i % size.weights;
    switch (type) {
    case StoredType::f32: {
        float value = 0;
        std::memcpy(&value, block.data(), 4);
        return value;
    }
    case StoredType::f16:
        return half(block, 0);
    case StoredType::bf16: {
        const std::string bytes = std::string(2, '\0') + std::string(block);
        return weight_at(bytes, 0, StoredType::f32);
    }
    case StoredType::q4_0: {
        const int pair = byte(block, 2 + within % 16);
        return half(block, 0) * ((within < 16 ? pair % 16 : pair / 16) - 8);
    }
    case StoredType::q8_0:
        return half(block, 0) * static_cast<signed char>(block[2 + within]);
    case StoredType::q4_k:
    case StoredType::q5_k:
        return q45_k_at(block, within);
    case StoredType::q6_k:
        return q6_k_at(block, within);
    }
    return 0;
}

} // namespace headroom::model::test
