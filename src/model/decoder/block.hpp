// A block's weights where they live: copied into memory that a device's budget handed out, as
// pieces (whole rows, each at most piece_bytes), so that a migration can free them at the source
// and allocate them at the target piece by piece. Layout is a function of the hyperparameters, the
// cut and the block's name alone, so both ends agree without asking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "base/block.hpp"
#include "base/units.hpp"
#include "kernels/kernels.hpp"
#include "model/decoder/cut.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// The tensors of blocks: embed {embedding, first_norm}; group {q, k, v}; proj {o};
/// ffn {gate, up, down, ffn_norm, next_norm (not in the last layer)}; lm_head {head, output_norm}.
/// Sliced: group {q, k, v, o}; slice {gate, up, down}; hub {ffn_norm, next_norm (the same)}.
/// Norms are (1, D) F32, rows of q are the group's q·d rows, of k and v its d rows, of gate and up
/// a slice's F/S. A group's o and a slice's down are D rows of Columns::stored columns.
enum class Slot : std::uint8_t {
    embedding,
    first_norm,
    q,
    k,
    v,
    o,
    gate,
    up,
    down,
    ffn_norm,
    next_norm,
    head,
    output_norm,
};

struct TensorSpec {
    Slot slot = Slot::embedding;
    WeightType type = WeightType::f32;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

/// The tensors of a block in storage order. `with_matrix` false leaves out the head matrix of a
/// tied lm_head that lives beside embed.
[[nodiscard]] std::vector<TensorSpec> tensors_of(
    const Hyperparameters& model,
    const BlockName& name,
    bool with_matrix = true,
    const Cut& cut = {}
);

class Block {
  public:
    /// No storage yet. `resource` outlives the block. alignment of every piece: 64 bytes.
    Block(
        const Hyperparameters& model,
        BlockName name,
        Bytes piece_bytes,
        std::pmr::memory_resource* resource,
        bool with_matrix = true,
        const Cut& cut = {}
    );
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block(); ///< frees what is allocated

    [[nodiscard]] const BlockName& name() const { return name_; }
    [[nodiscard]] const Cut& cut() const { return cut_; }
    [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }
    [[nodiscard]] Bytes piece_bytes(std::size_t i) const;
    /// Allocates exactly piece_bytes(i) from the resource. Precondition: not allocated.
    std::span<std::byte> allocate_piece(std::size_t i);
    [[nodiscard]] std::span<std::byte> piece(std::size_t i);
    [[nodiscard]] std::span<const std::byte> piece(std::size_t i) const;
    void free_piece(std::size_t i);
    void allocate_all();
    [[nodiscard]] bool complete() const; ///< every piece is allocated
    [[nodiscard]] Bytes bytes() const;   ///< allocated now

    /// A tied lm_head whose device gets or loses embed: drops or takes over the head matrix's
    /// pieces. release_matrix frees them; adopt_matrix moves the other block's (embed's) pieces in
    /// when embed has left this device. Preconditions are checked.
    void release_matrix();
    void adopt_matrix(Block& embed);

    [[nodiscard]] bool has(Slot slot) const;
    /// Pieces of one tensor as kernel matrices, in row order.
    [[nodiscard]] std::vector<kernels::Matrix> matrices(Slot slot) const;
    /// A norm's D values.
    [[nodiscard]] const float* norm(Slot slot) const;
    /// Which rows of which tensor piece i holds; first_row counts from the tensor's first.
    [[nodiscard]] TensorSpec spec(std::size_t i) const;
    [[nodiscard]] std::int64_t first_row(std::size_t i) const { return pieces_[i].first_row; }
    /// Row `row` of the tensor as floats: the embedding lookup.
    void expand_row(Slot slot, std::int64_t row, float* out) const;

    /// y[t, m] for all rows of the tensor, piece by piece: the same bits as in one call.
    void multiply(
        const kernels::Kernels& kernels,
        Slot slot,
        const float* x,
        std::int64_t x_stride,
        std::int64_t n,
        float* y,
        std::int64_t y_stride
    ) const;

  private:
    struct Piece {
        Slot slot;
        WeightType type;
        std::int64_t first_row;
        std::int64_t rows;
        std::int64_t columns;
        Bytes bytes;
        std::byte* data;
    };
    [[nodiscard]] std::span<const Piece> pieces_of(Slot slot) const;
    [[nodiscard]] static kernels::Matrix matrix(const Piece& piece);
    void free_all();
    BlockName name_;
    Cut cut_;
    std::pmr::memory_resource* resource_;
    std::vector<Piece> pieces_;
};

/// Keys and values of one group, in pages of 16 tokens: keys (16, d) then values (16, d), F32.
class GroupCache {
  public:
    GroupCache(std::int64_t head_width, std::pmr::memory_resource* resource);
    GroupCache(GroupCache&& other) noexcept;
    GroupCache& operator=(GroupCache&& other) noexcept;
    GroupCache(const GroupCache&) = delete;
    GroupCache& operator=(const GroupCache&) = delete;
    ~GroupCache();

    [[nodiscard]] Bytes page_bytes() const; ///< 2·16·d·4
    [[nodiscard]] std::size_t pages() const { return pages_.size(); }
    /// Allocates pages until `tokens` rows fit.
    void reserve(std::int64_t tokens);
    void allocate_page(); ///< one more at the end
    /// Frees page i but keeps its place; for a migration that empties the cache page by page.
    void free_page(std::size_t i);
    [[nodiscard]] float* keys(std::int64_t row);   ///< d values
    [[nodiscard]] float* values(std::int64_t row); ///< d values
    /// Used parts of page i if `rows` rows are used in all: keys' bytes and values' bytes.
    [[nodiscard]] std::array<std::span<std::byte>, 2> used(std::size_t i, std::int64_t rows);
    [[nodiscard]] const float* const* page_table() const { return pages_.data(); }
    [[nodiscard]] Bytes bytes() const; ///< allocated now

  private:
    std::int64_t head_width_;
    std::pmr::memory_resource* resource_;
    std::vector<float*> pages_;
};

} // namespace headroom::model
