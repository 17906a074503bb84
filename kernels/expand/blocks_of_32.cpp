// The expanders of types with quantisation blocks of 32 elements. The low nibbles of 16 bytes
// belong to elements 0 to 15, the high nibbles to elements 16 to 31.
#include <bit>

#include "kernels/expand/codebook.hpp"
#include "kernels/expand/each_block.hpp"
#include "kernels/expand/expand.hpp"
#include "kernels/half.hpp"

namespace headroom::kernels {

namespace {

constexpr std::int64_t kElements = 32;

/// Twice the numbers of 4 bits of mxfp4.
constexpr std::int8_t kTwice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// Unpacks the integers of q5_0 and q5_1: bit i of four bytes is the fifth bit of element i.
void unpack_five_bits(const std::byte* fifths, const std::byte* nibbles, std::int8_t* out) {
    unpack_nibbles(nibbles, kElements / 2, out);
    for (std::int64_t byte = 0; byte < kElements / 8; ++byte) {
        const int eight = byte_at(fifths, byte);
        for (int i = 0; i < 8; ++i) {
            std::int8_t& quant = out[8 * byte + i];
            quant = static_cast<std::int8_t>(quant | (eight >> i & 1) << 4);
        }
    }
}

/// Replaces nibbles by the numbers of a table.
void look_up(const std::int8_t* table, std::int8_t* nibbles) {
    for (std::int64_t i = 0; i < kElements; ++i) {
        nibbles[i] = table[nibbles[i]];
    }
}

} // namespace

/// A block has binary16 d and m, then the nibbles. Element i is d·nibble + m.
void expand_q4_1(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q4_1>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q4_1> q;
        unpack_nibbles(block + 4, kElements / 2, q.data());
        scale_quants(q.data(), kElements, half_at(block), half_at(block + 2), to);
    });
}

/// A block has binary16 d, 4 bytes of fifth bits, then the nibbles. Element i is d·(five bits −
/// 16).
void expand_q5_0(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q5_0>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q5_0> q;
        unpack_five_bits(block + 2, block + 6, q.data());
        for (std::int8_t& quant : q) {
            quant = static_cast<std::int8_t>(quant - 16);
        }
        scale_quants(q.data(), kElements, half_at(block), to);
    });
}

/// A block has binary16 d and m, 4 bytes of fifth bits, then the nibbles. Element i is d·(five
/// bits) + m.
void expand_q5_1(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::q5_1>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::q5_1> q;
        unpack_five_bits(block + 4, block + 8, q.data());
        scale_quants(q.data(), kElements, half_at(block), half_at(block + 2), to);
    });
}

/// A block has binary16 d, then the nibbles. Element i is d·kCodebook[nibble].
void expand_iq4_nl(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::iq4_nl>(blocks, count, out, [](const std::byte* block, float* to) {
        Quants<WeightType::iq4_nl> q;
        unpack_nibbles(block + 2, kElements / 2, q.data());
        look_up(kCodebook, q.data());
        scale_quants(q.data(), kElements, half_at(block), to);
    });
}

/// A block has a byte e, then the nibbles. A nibble is a number of 4 bits: a sign, two bits of
/// exponent and one of fraction. Element i is 2^(e − 128) times twice that number (kTwice).
void expand_mxfp4(const std::byte* blocks, std::int64_t count, float* out) {
    each_block<WeightType::mxfp4>(blocks, count, out, [](const std::byte* block, float* to) {
        const auto e = static_cast<std::uint32_t>(byte_at(block, 0));
        // 2^(e − 128) is a subnormal float for e < 2.
        const float scale = std::bit_cast<float>(e < 2 ? 0x0020'0000U << e : (e - 1) << 23);
        Quants<WeightType::mxfp4> q;
        unpack_nibbles(block + 1, kElements / 2, q.data());
        look_up(kTwice, q.data());
        scale_quants(q.data(), kElements, scale, to);
    });
}

} // namespace headroom::kernels
