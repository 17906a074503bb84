// The weights of a model in its file on storage, read piece by piece without mapping the file: for
// a device that loads a moved block by itself, or reads again what it had no room for.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/units.hpp"
#include "model/block.hpp"
#include "model/descriptor.hpp"
#include "model/gguf.hpp"
#include "model/hyperparameters.hpp"

namespace headroom::model {

class WeightFile {
  public:
    /// Keeps the file open, read-only, and notes where its tensors stand; `file` may be unmapped
    /// then, and the path may go. `model` outlives this object. Throws EnvironmentError.
    WeightFile(const GgufFile& file, const Hyperparameters& model);

    /// Reads resident bytes [first, first + bytes) of piece i into the piece, which is allocated.
    /// Weights that are expanded on loading are read in whole rows, so it may be more on both
    /// sides. Returns the resident bytes up to which the piece has been read, from `first` on:
    /// what counts as read from storage, whatever the stored form takes. No memory is needed
    /// besides the piece, but for one stored row of an expanded type.
    /// Throws EnvironmentError if the bytes cannot be had or the file has changed since it was
    /// opened.
    [[nodiscard]] Bytes read(Block& block, std::size_t i, Bytes first, Bytes bytes) const;
    /// The whole piece.
    void read(Block& block, std::size_t i) const;

    /// A block's norm, all D values, for who applies it without the block.
    void read_norm(const BlockName& block, Slot slot, std::span<float> out) const;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    struct Stored {
        std::uint32_t ggml_type = 0;
        std::uint64_t offset = 0; ///< in the file
        Bytes row_bytes = 0;
    };
    [[nodiscard]] const Stored& stored(const std::string& tensor) const;
    void read_at(std::uint64_t offset, std::span<std::byte> out) const;
    void check_unchanged() const;

    std::filesystem::path path_;
    const Hyperparameters* model_;
    Descriptor file_;
    std::uint64_t bytes_ = 0;
    std::timespec modified_{};
    std::map<std::string, Stored, std::less<>> tensors_;
};

} // namespace headroom::model
