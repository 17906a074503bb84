#include "model/decoder/block.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace headroom::model {

namespace {

/// The size of a cache line, so that the data of a kernel has the same alignment on every device.
constexpr std::size_t kAlignment = 64;

/// Returns how many whole rows fit in `piece_bytes`: at least one, and a multiple of 4 if at least
/// 4 fit, because kernels compute four rows at a time.
std::int64_t rows_per_piece(const TensorSpec& tensor, Bytes piece_bytes) {
    const std::int64_t fitting = piece_bytes / row_bytes(tensor.type, tensor.columns);
    return fitting >= 4 ? fitting / 4 * 4 : std::max<std::int64_t>(fitting, 1);
}

const LayerTypes& types_of(const Hyperparameters& model, std::int32_t layer) {
    return model.layer_types.at(static_cast<std::size_t>(layer));
}

/// A norm or a bias.
TensorSpec vector_of(TensorRole role, std::int64_t elements) {
    return {role, WeightType::f32, 1, elements};
}

std::vector<TensorSpec> group_tensors(
    const Hyperparameters& model, const BlockName& name, const Slicing& slicing
) {
    const LayerTypes& types = types_of(model, name.layer);
    const std::int64_t rows = model.head_width();
    const std::int64_t queries = model.heads_per_group() * rows;
    std::vector<TensorSpec> tensors{
        {TensorRole::q, types.q, queries, model.width},
        {TensorRole::k, types.k, rows, model.width},
        {TensorRole::v, types.v, rows, model.width},
    };
    if (model.qkv_bias) {
        tensors.push_back(vector_of(TensorRole::q_bias, queries));
        tensors.push_back(vector_of(TensorRole::k_bias, rows));
        tensors.push_back(vector_of(TensorRole::v_bias, rows));
    }
    if (model.qk_norm != QkNorm::none) {
        const bool each_head = model.qk_norm == QkNorm::head;
        tensors.push_back(vector_of(TensorRole::q_norm, each_head ? rows : queries));
        tensors.push_back(vector_of(TensorRole::k_norm, rows));
    }
    if (slicing.sliced()) {
        tensors.push_back(
            {TensorRole::o, types.o, model.width, columns_of(model, name, slicing).stored}
        );
    }
    return tensors;
}

/// gate and up with `hidden` rows each, and down with `columns` columns.
std::vector<TensorSpec> ffn_matrices(
    const Hyperparameters& model, std::int32_t layer, std::int64_t hidden, std::int64_t columns
) {
    const LayerTypes& types = types_of(model, layer);
    return {
        {TensorRole::gate, types.gate, hidden, model.width},
        {TensorRole::up, types.up, hidden, model.width},
        {TensorRole::down, types.down, model.width, columns},
    };
}

std::vector<TensorSpec> slice_tensors(
    const Hyperparameters& model, const BlockName& name, const Slicing& slicing
) {
    const Columns columns = columns_of(model, name, slicing);
    return ffn_matrices(model, name.layer, columns.count, columns.stored);
}

/// The norms of a layer; those of proj only `with_attention`.
std::vector<TensorSpec> layer_norms(
    const Hyperparameters& model, std::int32_t layer, bool with_attention
) {
    std::vector<TensorSpec> norms;
    const auto add = [&](bool has, TensorRole role) {
        if (has) {
            norms.push_back(vector_of(role, model.width));
        }
    };
    add(with_attention && model.norms_after(), TensorRole::post_attention_norm);
    add(model.norms_before(), TensorRole::ffn_norm);
    add(model.norms_after(), TensorRole::post_ffn_norm);
    add(model.norms_before() && layer + 1 < model.layers, TensorRole::next_norm);
    return norms;
}

std::vector<TensorSpec> proj_tensors(const Hyperparameters& model, std::int32_t layer) {
    std::vector<TensorSpec> tensors{
        {TensorRole::o, types_of(model, layer).o, model.width, model.attention_width()}};
    if (model.norms_after()) {
        tensors.push_back(vector_of(TensorRole::post_attention_norm, model.width));
    }
    return tensors;
}

std::vector<TensorSpec> ffn_tensors(const Hyperparameters& model, std::int32_t layer) {
    std::vector<TensorSpec> tensors = ffn_matrices(model, layer, model.ffn_width, model.ffn_width);
    const std::vector<TensorSpec> norms = layer_norms(model, layer, false);
    tensors.insert(tensors.end(), norms.begin(), norms.end());
    return tensors;
}

std::vector<TensorSpec> embed_tensors(const Hyperparameters& model) {
    std::vector<TensorSpec> tensors{
        {TensorRole::embedding, model.embed_type, model.vocabulary, model.width}};
    if (model.norms_before()) {
        tensors.push_back(vector_of(TensorRole::first_norm, model.width));
    }
    return tensors;
}

} // namespace

std::vector<TensorSpec> tensors_of(
    const Hyperparameters& model, const BlockName& name, bool with_matrix, const Slicing& slicing
) {
    const std::int64_t width = model.width;
    switch (name.kind) {
    case BlockKind::embed:
        return embed_tensors(model);
    case BlockKind::group:
        return group_tensors(model, name, slicing);
    case BlockKind::proj:
        return proj_tensors(model, name.layer);
    case BlockKind::ffn:
        return ffn_tensors(model, name.layer);
    case BlockKind::slice:
        return slice_tensors(model, name, slicing);
    case BlockKind::hub:
        return layer_norms(model, name.layer, true);
    case BlockKind::lm_head:
        break;
    }
    std::vector<TensorSpec> tensors{vector_of(TensorRole::output_norm, width)};
    if (with_matrix) {
        tensors.insert(
            tensors.begin(), {TensorRole::head, model.lm_head_type, model.vocabulary, width}
        );
    }
    return tensors;
}

Block::Block(
    const Hyperparameters& model,
    BlockName name,
    Bytes piece_bytes,
    std::pmr::memory_resource* resource,
    bool with_matrix,
    const Slicing& slicing
)
    : name_(name), slicing_(slicing), resource_(resource) {
    HEADROOM_CHECK(piece_bytes > 0, "{} bytes per piece", piece_bytes);
    for (const TensorSpec& tensor : tensors_of(model, name, with_matrix, slicing)) {
        const std::int64_t step = rows_per_piece(tensor, piece_bytes);
        for (std::int64_t row = 0; row < tensor.rows; row += step) {
            const std::int64_t rows = std::min(step, tensor.rows - row);
            const Bytes bytes = rows * row_bytes(tensor.type, tensor.columns);
            const TensorSpec spec{tensor.role, tensor.type, rows, tensor.columns};
            pieces_.push_back({spec, row, bytes, nullptr});
        }
    }
}

Block::Block(Block&& other) noexcept
    : name_(other.name_), slicing_(other.slicing_), resource_(other.resource_),
      pieces_(std::exchange(other.pieces_, {})) {}

Block& Block::operator=(Block&& other) noexcept {
    if (this != &other) {
        free_all();
        name_ = other.name_;
        slicing_ = other.slicing_;
        resource_ = other.resource_;
        pieces_ = std::exchange(other.pieces_, {});
    }
    return *this;
}

Block::~Block() {
    free_all();
}

std::span<std::byte> Block::allocate_piece(std::size_t i) {
    Piece& piece = pieces_.at(i);
    HEADROOM_CHECK(piece.data == nullptr, "{} piece {} twice", to_string(name_), i);
    const auto bytes = static_cast<std::size_t>(piece.bytes);
    piece.data = static_cast<std::byte*>(resource_->allocate(bytes, kAlignment));
    return {piece.data, bytes};
}

std::span<std::byte> Block::piece(std::size_t i) {
    const Piece& piece = pieces_.at(i);
    HEADROOM_CHECK(piece.data != nullptr, "{} piece {} is not here", to_string(name_), i);
    return {piece.data, static_cast<std::size_t>(piece.bytes)};
}

std::span<const std::byte> Block::piece(std::size_t i) const {
    const Piece& piece = pieces_.at(i);
    HEADROOM_CHECK(piece.data != nullptr, "{} piece {} is not here", to_string(name_), i);
    return {piece.data, static_cast<std::size_t>(piece.bytes)};
}

void Block::free_piece(std::size_t i) {
    Piece& piece = pieces_.at(i);
    HEADROOM_CHECK(piece.data != nullptr, "{} piece {} is not here", to_string(name_), i);
    resource_->deallocate(
        std::exchange(piece.data, nullptr), static_cast<std::size_t>(piece.bytes), kAlignment
    );
}

void Block::free_all() {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
        if (pieces_[i].data != nullptr) {
            free_piece(i);
        }
    }
}

bool Block::complete() const {
    return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
        return piece.data != nullptr;
    });
}

Bytes Block::bytes() const {
    Bytes sum = 0;
    for (const Piece& piece : pieces_) {
        sum += piece.data != nullptr ? piece.bytes : 0;
    }
    return sum;
}

void Block::release_matrix() {
    HEADROOM_CHECK(name_.kind == BlockKind::lm_head, "{}", to_string(name_));
    HEADROOM_CHECK(has(TensorRole::head), "the head matrix was released before");
    const std::size_t matrix_pieces = pieces_of(TensorRole::head).size();
    for (std::size_t i = 0; i < matrix_pieces; ++i) {
        if (pieces_[i].data != nullptr) {
            free_piece(i);
        }
    }
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(matrix_pieces));
}

void Block::adopt_matrix(Block& embed) {
    HEADROOM_CHECK(name_.kind == BlockKind::lm_head, "{}", to_string(name_));
    HEADROOM_CHECK(embed.name_.kind == BlockKind::embed, "{}", to_string(embed.name_));
    HEADROOM_CHECK(!has(TensorRole::head), "lm_head has a matrix of its own");
    HEADROOM_CHECK(resource_->is_equal(*embed.resource_), "the two live in different memories");
    std::vector<Piece> adopted;
    for (Piece& piece : embed.pieces_) {
        if (piece.role == TensorRole::embedding) {
            HEADROOM_CHECK(piece.data != nullptr, "embed lacks row {}", piece.first_row);
            adopted.push_back(piece);
            adopted.back().role = TensorRole::head;
            piece.data = nullptr;
        }
    }
    pieces_.insert(pieces_.begin(), adopted.begin(), adopted.end());
}

bool Block::has(TensorRole role) const {
    return !pieces_of(role).empty();
}

/// Roles are numbered in storage order, so the pieces of one tensor follow each other.
std::span<const Block::Piece> Block::pieces_of(TensorRole role) const {
    const auto [first, last] = std::equal_range(
        pieces_.begin(),
        pieces_.end(),
        Piece{{.role = role}, 0, 0, nullptr},
        [](const Piece& a, const Piece& b) { return a.role < b.role; }
    );
    return {first, last};
}

kernels::Matrix Block::matrix(const Piece& piece) {
    HEADROOM_CHECK(piece.data != nullptr, "a tensor's row {} is not here", piece.first_row);
    return {piece.type, piece.data, piece.rows, piece.columns};
}

const float* Block::norm(TensorRole role) const {
    const auto pieces = pieces_of(role);
    HEADROOM_CHECK(
        pieces.size() == 1 && pieces[0].rows == 1 && pieces[0].type == WeightType::f32,
        "{} has no norm in role {}",
        to_string(name_),
        static_cast<int>(role)
    );
    return reinterpret_cast<const float*>(matrix(pieces[0]).data);
}

void Block::expand_row(TensorRole role, std::int64_t row, float* out) const {
    const auto pieces = pieces_of(role);
    const auto after = std::ranges::upper_bound(pieces, row, {}, &Piece::first_row);
    HEADROOM_CHECK(row >= 0 && after != pieces.begin(), "{} row {}", to_string(name_), row);
    const Piece& piece = *std::prev(after);
    HEADROOM_CHECK(row < piece.first_row + piece.rows, "{} row {}", to_string(name_), row);
    kernels::expand_row(matrix(piece), row - piece.first_row, out);
}

void Block::multiply(
    const kernels::Kernels& kernels,
    TensorRole role,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
) const {
    const auto pieces = pieces_of(role);
    HEADROOM_CHECK(
        !pieces.empty(), "{} has nothing in role {}", to_string(name_), static_cast<int>(role)
    );
    for (const Piece& piece : pieces) {
        kernels.multiply(matrix(piece), x, x_stride, n, y + piece.first_row, y_stride);
    }
}

} // namespace headroom::model
