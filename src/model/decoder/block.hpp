// The weights and the KV cache of one block, the unit of placement, in the memory of a device.
// Weights are stored in pieces: a piece is some whole rows of one tensor, at most `piece_bytes`
// long unless a single row is longer. A migration frees pieces on the sending device and allocates
// them on the receiving one, piece by piece. The list of pieces depends on nothing but the
// hyperparameters, the slicing, the block's name and `piece_bytes`, so both devices compute the
// same list.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "base/block.hpp"
#include "base/units.hpp"
#include "kernels/kernels.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/architectures/tensor_role.hpp"
#include "model/decoder/slicing.hpp"

namespace headroom::model {

/// Role, type in memory and size of one tensor, or of one piece of a tensor.
struct TensorSpec {
    TensorRole role = TensorRole::embedding;
    WeightType type = WeightType::f32;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

/// Returns the tensors of a block in storage order. `with_matrix` is false for a tied lm_head on
/// the device of embed: lm_head then has no matrix and uses that of embed.
[[nodiscard]] std::vector<TensorSpec> tensors_of(
    const Hyperparameters& model,
    const BlockName& name,
    bool with_matrix = true,
    const Slicing& slicing = {}
);

/// The weights of one block. Pieces are allocated and freed one by one.
class Block {
  public:
    /// Allocates nothing. `resource` must outlive the block; pieces are aligned to 64 bytes.
    Block(
        const Hyperparameters& model,
        BlockName name,
        Bytes piece_bytes,
        std::pmr::memory_resource* resource,
        bool with_matrix = true,
        const Slicing& slicing = {}
    );
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block(); ///< frees all allocated pieces

    [[nodiscard]] const BlockName& name() const { return name_; }
    [[nodiscard]] const Slicing& slicing() const { return slicing_; }
    [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }
    [[nodiscard]] Bytes piece_bytes(std::size_t i) const { return pieces_.at(i).bytes; }
    /// Allocates piece_bytes(i) bytes for piece i. Precondition: piece i is not allocated.
    std::span<std::byte> allocate_piece(std::size_t i);
    [[nodiscard]] std::span<std::byte> piece(std::size_t i);
    [[nodiscard]] std::span<const std::byte> piece(std::size_t i) const;
    void free_piece(std::size_t i);
    [[nodiscard]] bool complete() const; ///< whether every piece is allocated
    [[nodiscard]] Bytes bytes() const;   ///< bytes of all allocated pieces

    /// Removes the head matrix from this block, a tied lm_head. Called at the start of a migration
    /// that brings embed and lm_head to one device, because lm_head then uses the matrix of embed.
    /// Precondition: the block has a head matrix.
    void release_matrix();
    /// Moves the matrix of `embed` into a tied lm_head, because embed leaves the device of this
    /// block. Preconditions: this block has no head matrix, and the matrix of `embed` is allocated.
    void adopt_matrix(Block& embed);

    [[nodiscard]] bool has(TensorRole role) const;
    /// Returns the values of a norm or of a bias.
    [[nodiscard]] const float* norm(TensorRole role) const;
    /// Returns the tensor to which piece i belongs; `rows` counts only the rows of the piece.
    [[nodiscard]] const TensorSpec& piece_spec(std::size_t i) const { return pieces_.at(i); }
    /// Returns the row of the tensor with which piece i begins.
    [[nodiscard]] std::int64_t first_row(std::size_t i) const { return pieces_[i].first_row; }
    /// Writes row `row` of a tensor to `out` as floats; this is the embedding lookup.
    void expand_row(TensorRole role, std::int64_t row, float* out) const;

    /// y[t, m] = row m of the tensor · x[t], for n tokens t and all rows m. The result has the same
    /// bits for every size of pieces.
    void multiply(
        const kernels::Kernels& kernels,
        TensorRole role,
        const float* x,
        std::int64_t x_stride,
        std::int64_t n,
        float* y,
        std::int64_t y_stride
    ) const;

  private:
    struct Piece : TensorSpec {
        std::int64_t first_row;
        Bytes bytes;
        std::byte* data;
    };
    [[nodiscard]] std::span<const Piece> pieces_of(TensorRole role) const;
    [[nodiscard]] static kernels::Matrix matrix(const Piece& piece);
    void free_all();
    BlockName name_;
    Slicing slicing_;
    std::pmr::memory_resource* resource_;
    std::vector<Piece> pieces_;
};

/// The KV cache of one group and one sequence. A page has the keys (16, d) of 16 tokens and then
/// their values (16, d), as stored rows of the cache's type (ModelShape::kv_type).
class GroupCache {
  public:
    /// Keeps all rows if `window` is 0. Else it keeps the last `window` − 1 rows, in a ring of
    /// ⌈(window − 1)/16⌉ + 1 pages: row t is in page ⌊t/16⌋ mod their number. Preconditions: `type`
    /// is one of kCacheTypes, and d is a multiple of its block of elements.
    GroupCache(
        std::int64_t head_width,
        WeightType type,
        std::pmr::memory_resource* resource,
        std::int64_t window = 0
    );
    GroupCache(GroupCache&& other) noexcept;
    GroupCache& operator=(GroupCache&& other) noexcept;
    GroupCache(const GroupCache&) = delete;
    GroupCache& operator=(const GroupCache&) = delete;
    ~GroupCache();

    [[nodiscard]] WeightType type() const { return type_; }
    [[nodiscard]] Bytes row_bytes() const;  ///< bytes of one stored key or value
    [[nodiscard]] Bytes page_bytes() const; ///< 2·16·row_bytes()
    [[nodiscard]] std::size_t pages() const { return pages_.size(); }
    /// Returns R, the most pages that the cache has; 0 if it keeps all rows.
    [[nodiscard]] std::int64_t ring() const { return ring_; }
    /// Allocates pages at the end until the cache has room for the rows that it keeps of `tokens`.
    void reserve(std::int64_t tokens);
    /// Allocates page i. A migration allocates the pages of a cache in any order.
    void allocate_page(std::size_t i);
    /// Frees page i; the other pages keep their numbers. A migration frees a cache page by page.
    void free_page(std::size_t i);
    /// Stores d floats each as the key and the value of a row. Returns nothing, or the index of
    /// the first float that the type cannot hold (kernels::store_row): i < d is element i of the
    /// key, d + i element i of the value.
    [[nodiscard]] std::optional<std::int64_t> store(
        std::int64_t row, const float* key, const float* value
    );
    /// Stores d floats each as a row at `stored_key` and one at `stored_value`, row_bytes() each,
    /// as the function above does in the cache.
    [[nodiscard]] std::optional<std::int64_t> store_at(
        const float* key, const float* value, std::byte* stored_key, std::byte* stored_value
    ) const;
    /// Copies the last rows of a turn of n tokens, at positions first … first+n−1, to the cache: as
    /// many as it keeps. Their keys and values stand without gaps at `keys` and `values`.
    void keep(std::int64_t first, std::int64_t n, const std::byte* keys, const std::byte* values);
    [[nodiscard]] std::byte* keys(std::int64_t row);   ///< row_bytes() bytes
    [[nodiscard]] std::byte* values(std::int64_t row); ///< row_bytes() bytes
    /// Returns two parts of page i: the keys and the values that belong to the rows which the cache
    /// keeps of `tokens` rows. Both are empty if the page has none of these rows.
    [[nodiscard]] std::array<std::span<std::byte>, 2> used_parts(
        std::size_t i, std::int64_t tokens
    );
    [[nodiscard]] const std::byte* const* page_table() const { return pages_.data(); }
    [[nodiscard]] Bytes bytes() const; ///< bytes of all allocated pages

  private:
    [[nodiscard]] std::size_t page_of(std::int64_t row) const;

    std::int64_t head_width_;
    WeightType type_;
    std::pmr::memory_resource* resource_;
    std::int64_t window_; ///< 0: keeps all rows
    std::int64_t ring_;   ///< R
    std::vector<std::byte*> pages_;
};

} // namespace headroom::model
