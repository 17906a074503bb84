// From a GGUF file to hyperparameters and filled blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"
#include "model/decoder/weight_file.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// What a file says of its decoder, and why it cannot be computed, if so.
struct ModelReport {
    /// With problems: as far as the metadata says it; a number that is missing or wrong is 0, the
    /// types of weights are left out.
    Hyperparameters model;
    std::vector<std::string> problems; ///< all at once; empty: it can be computed
};

/// Reads and checks: architecture, all tensors present with the shapes that the metadata says,
/// types that can be computed (norms: F32), finite norms. Never throws for what a file holds.
[[nodiscard]] ModelReport report_on(const GgufFile& file);

/// The same for who needs it computed: InputError with all problems. Weight types are those that
/// are computed with and that memory is needed for: F32 for a Q4_K, Q5_K or Q6_K tensor.
[[nodiscard]] Hyperparameters read_hyperparameters(const GgufFile& file);

/// The tensors of one stored type in a file of any kind.
struct TypeUse {
    std::string name; ///< ggml's: "Q4_K"
    std::int64_t tensors = 0;
    std::uint64_t bytes = 0;            ///< stored; 0 for a type that ggml did not know
    std::optional<WeightType> computed; ///< what it is computed as; nothing: it cannot be
    std::string first;                  ///< the first tensor of the type
};
/// By increasing type code.
[[nodiscard]] std::vector<TypeUse> type_uses(const GgufFile& file);

/// Brings the block's tensors (the group's own rows of q, k, v; its own columns of o) from the file
/// into its pieces, allocating them: as they are stored, or expanded to F32.
void load_block(const WeightFile& weights, Block& block);
void load_block(const GgufFile& file, const Hyperparameters& model, Block& block);

} // namespace headroom::model
