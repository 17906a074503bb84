// Reads weights from a model file into blocks, piece by piece (block.hpp). A device does so when a
// run begins, when it loads a migrated block from its own storage, and when it must read weights
// again because it holds more than its memory budget (paging).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/units.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/decoder/block.hpp"
#include "model/gguf/ggml_types.hpp"
#include "model/gguf/gguf.hpp"
#include "model/gguf/open_file.hpp"

namespace headroom::model {

class WeightFile {
  public:
    /// Keeps the file open and stores the offsets of its tensors; `file` need not outlive this
    /// object, `model` must. Throws EnvironmentError if the file has changed since it was opened.
    WeightFile(const GgufFile& file, const Hyperparameters& model);

    /// Fills bytes [first, first + bytes) of piece i with the stored bytes. Throws EnvironmentError
    /// if the file cannot be read or has changed since it was opened. Precondition: piece i is
    /// allocated.
    void read(Block& block, std::size_t i, Bytes first, Bytes bytes) const;
    void read(Block& block, std::size_t i) const;

    /// Reads a norm without its block: in a ring all-reduce every device applies the norm itself.
    void read_norm(const BlockName& block, TensorRole role, std::span<float> out) const;

    [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

  private:
    struct StoredTensor {
        const GgmlType* type = nullptr;
        std::uint64_t offset = 0; ///< byte offset from the start of the file
        Bytes row_bytes = 0;
    };
    [[nodiscard]] const StoredTensor& stored_tensor(const std::string& tensor) const;

    const Hyperparameters* model_;
    OpenFile file_;
    std::map<std::string, StoredTensor, std::less<>> tensors_; ///< by name
};

} // namespace headroom::model
