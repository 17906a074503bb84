// Reads the hyperparameters of a GGUF model file, lists the reasons, if there are any, why Headroom
// cannot run the model, and loads the weights of one block (the unit of placement).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/weight_file.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// The hyperparameters of a model file, and all reasons why Headroom cannot run the model.
struct ModelReport {
    /// If there are problems, missing or wrong sizes are 0, and weight types are not set.
    Hyperparameters model;
    std::vector<std::string> problems; ///< one sentence each; empty if the model can be run
};

/// Reads the hyperparameters. Checks the architecture, the metadata, the shape and type of every
/// tensor, and that norm weights are finite. Faults are returned as problems, not thrown.
[[nodiscard]] ModelReport report_on(const GgufFile& file);

/// Returns the hyperparameters of a model that is to be run. Throws InputError with all problems of
/// report_on, if there are any.
[[nodiscard]] Hyperparameters read_hyperparameters(const GgufFile& file);

/// The tensors of one stored type in a GGUF file.
struct TensorTypeUse {
    std::string name;         ///< ggml's name of the type, such as "Q4_K"
    std::int64_t tensors = 0; ///< number of tensors
    std::uint64_t bytes = 0;  ///< stored bytes of all of them; 0 if the type is unknown
    bool computed = false;    ///< whether the decoder can compute with the type
    std::string first_tensor; ///< name of the first tensor of this type
};
/// Returns the types that a file uses, by increasing type code.
[[nodiscard]] std::vector<TensorTypeUse> tensor_type_uses(const GgufFile& file);

/// Allocates the memory for all weights of a block and reads them from the file. Throws
/// EnvironmentError if the file cannot be read or has changed since it was opened.
void load_block(const WeightFile& weights, Block& block);
void load_block(const GgufFile& file, const Hyperparameters& model, Block& block);

} // namespace headroom::model
