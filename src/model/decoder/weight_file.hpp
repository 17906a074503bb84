// The weights of a model in its file on storage, read piece by piece into the blocks that have
// them: when a run begins, when a device loads a moved block by itself, or reads again what it had
// no room for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/units.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"
#include "model/gguf/open_file.hpp"

namespace headroom::model {

class WeightFile {
  public:
    /// Keeps the file open and notes where its tensors stand; `file` and the path may go then.
    /// `model` outlives this object. Throws EnvironmentError.
    WeightFile(const GgufFile& file, const Hyperparameters& model);

    /// Reads resident bytes [first, first + bytes) of piece i into the piece, which is allocated.
    /// Weights that are expanded on loading are read in whole rows, so it may be more on both
    /// sides. Returns the resident bytes up to which the piece has been read, from `first` on:
    /// what counts as read from storage, whatever the stored form takes. No memory is needed
    /// besides the piece, but for some stored rows of an expanded type (64 KiB, or one row).
    /// Throws EnvironmentError if the bytes cannot be had or the file has changed since it was
    /// opened.
    [[nodiscard]] Bytes read(Block& block, std::size_t i, Bytes first, Bytes bytes) const;
    /// The whole piece.
    void read(Block& block, std::size_t i) const;

    /// A block's norm, all D values, for who applies it without the block.
    void read_norm(const BlockName& block, Slot slot, std::span<float> out) const;

    [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

  private:
    struct Stored {
        std::uint32_t ggml_type = 0;
        std::uint64_t offset = 0; ///< in the file
        Bytes row_bytes = 0;
    };
    [[nodiscard]] const Stored& stored(const std::string& tensor) const;

    const Hyperparameters* model_;
    OpenFile file_;
    std::map<std::string, Stored, std::less<>> tensors_;
};

} // namespace headroom::model
