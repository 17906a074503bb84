#include "model/costs/standard_tensors.hpp"

#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.hpp"
#include "model/gguf/ggml_types.hpp"
#include "model/gguf/gguf_cursor.hpp"
#include "model/gguf/problem_list.hpp"

namespace headroom::model {

namespace {

using Dimensions = std::vector<std::int64_t>;

/// Drops trailing dimensions of 1: (D) and (D, 1) are the same shape.
Dimensions trimmed(Dimensions dimensions) {
    while (dimensions.size() > 1 && dimensions.back() == 1) {
        dimensions.pop_back();
    }
    return dimensions;
}

/// What can differ from model to model, but not from layer to layer.
struct Features {
    bool gated = true;
    bool qkv_bias = false;
    QkNorm qk_norm = QkNorm::none;
    bool norms_before = true;
    bool norms_after = false;
    bool operator==(const Features&) const = default;
};

class TensorReader {
  public:
    TensorReader(const GgufFile& file, ModelShape& shape) : file_(&file), shape_(&shape) {}

    void read() {
        read_ends();
        shape_->layer_types.resize(static_cast<std::size_t>(shape_->layers));
        Features first;
        for (std::int32_t layer = 0; layer < shape_->layers; ++layer) {
            prefix_ = fmt::format("blk.{}.", layer);
            const Features own = read_layer(shape_->layer_types[static_cast<std::size_t>(layer)]);
            if (layer == 0) {
                first = own;
            } else if (own != first) {
                unlike_.add(fmt::format("layer {}", layer));
            }
        }
        shape_->gated = first.gated;
        shape_->qkv_bias = first.qkv_bias;
        shape_->qk_norm = first.qk_norm;
        shape_->norm_place = !first.norms_after   ? NormPlace::before
                             : first.norms_before ? NormPlace::around
                                                  : NormPlace::after;
    }

    void report(std::vector<std::string>& problems, std::vector<std::string>& notes) {
        read_others(notes);
        missing_.report(*file_, "tensors are missing", problems);
        wrong_.report(*file_, "tensors do not have the shapes that the metadata says", problems);
        types_.report(
            *file_,
            fmt::format("tensors of types without kernels ({})", computed_types_advice()),
            problems
        );
        unlike_.report(
            *file_, "layers with other norms, biases or matrices than the first", problems
        );
        unknown_.report(*file_, "matrices whose costs are not known", problems);
    }

  private:
    /// Returns a tensor that has been looked for, or null if there is none.
    const GgufTensor* find(const std::string& name) {
        const GgufTensor* const tensor = file_->tensor(name);
        if (tensor != nullptr) {
            seen_.insert(tensor->name);
        }
        return tensor;
    }

    void check_shape(const GgufTensor& tensor, const Dimensions& wanted) {
        if (trimmed(tensor.dimensions) != trimmed(wanted)) {
            wrong_.add(fmt::format(
                "{} is {}, expected {}",
                tensor.name,
                fmt::join(tensor.dimensions, " x "),
                fmt::join(trimmed(wanted), " x ")
            ));
        }
    }

    /// Returns how a matrix is stored, F32 after a problem.
    WeightType matrix(const std::string& name, const Dimensions& wanted) {
        const GgufTensor* const tensor = find(name);
        if (tensor == nullptr) {
            missing_.add(name);
            return WeightType::f32;
        }
        check_shape(*tensor, wanted);
        const auto type = weight_type_of(tensor->ggml_type);
        if (!type) {
            types_.add(fmt::format("{} {}", name, ggml_type_name(tensor->ggml_type)));
        }
        return type.value_or(WeightType::f32);
    }

    /// Returns whether the layer has a vector, of `size` elements.
    bool vector(const char* name, std::int64_t size) {
        const GgufTensor* const tensor = find(prefix_ + name);
        if (tensor != nullptr) {
            check_shape(*tensor, {size});
        }
        return tensor != nullptr;
    }

    void read_ends() {
        const GgufTensor* const embedding = find("token_embd.weight");
        if (embedding != nullptr && embedding->dimensions.size() == 2) {
            shape_->vocabulary = embedding->dimensions[1];
        }
        const Dimensions wanted{shape_->width, shape_->vocabulary};
        shape_->embed_type = matrix("token_embd.weight", wanted);
        shape_->tied = file_->tensor("output.weight") == nullptr;
        shape_->lm_head_type = shape_->tied ? shape_->embed_type : matrix("output.weight", wanted);
        prefix_ = "";
        if (!vector("output_norm.weight", shape_->width)) {
            missing_.add("output_norm.weight");
        }
    }

    Features read_layer(LayerTypes& types) {
        Features own;
        read_attention(types, own);
        read_ffn(types, own);
        const std::int64_t width = shape_->width;
        const bool attention = vector("attn_norm.weight", width);
        const bool ffn = vector("ffn_norm.weight", width);
        own.norms_before = attention || ffn;
        const bool after_attention = vector("post_attention_norm.weight", width);
        const bool after_ffn = vector("post_ffw_norm.weight", width);
        own.norms_after = after_attention || after_ffn;
        if (attention != ffn || after_attention != after_ffn || !(attention || after_ffn)) {
            missing_.add(fmt::format("a norm of {}", prefix_.substr(0, prefix_.size() - 1)));
        }
        return own;
    }

    void read_attention(LayerTypes& types, Features& own) {
        const std::int64_t width = shape_->width;
        const std::int64_t attention = shape_->attention_width();
        const std::int64_t cached = shape_->kv_heads * shape_->head_width();
        if (file_->tensor(prefix_ + "attn_qkv.weight") != nullptr) {
            const std::int64_t rows = attention + 2 * cached;
            types.q = types.k = types.v = matrix(prefix_ + "attn_qkv.weight", {width, rows});
            own.qkv_bias = vector("attn_qkv.bias", rows);
        } else {
            types.q = matrix(prefix_ + "attn_q.weight", {width, attention});
            types.k = matrix(prefix_ + "attn_k.weight", {width, cached});
            types.v = matrix(prefix_ + "attn_v.weight", {width, cached});
            const bool q = vector("attn_q.bias", attention);
            const bool k = vector("attn_k.bias", cached);
            own.qkv_bias = vector("attn_v.bias", cached) && q && k;
        }
        types.o = matrix(prefix_ + "attn_output.weight", {attention, width});
        const GgufTensor* const norm = file_->tensor(prefix_ + "attn_q_norm.weight");
        if (norm != nullptr) {
            const bool whole = trimmed(norm->dimensions) != Dimensions{shape_->head_width()};
            own.qk_norm = whole ? QkNorm::width : QkNorm::head;
            (void)vector("attn_q_norm.weight", whole ? attention : shape_->head_width());
            if (!vector("attn_k_norm.weight", whole ? cached : shape_->head_width())) {
                missing_.add(prefix_ + "attn_k_norm.weight");
            }
        }
    }

    void read_ffn(LayerTypes& types, Features& own) {
        const std::int64_t width = shape_->width;
        const std::int64_t hidden = shape_->ffn_width;
        const bool mixture = shape_->experts > 0;
        const std::int64_t networks = mixture ? shape_->experts : 1;
        const char* const ending = mixture ? "_exps.weight" : ".weight";
        const std::string gate = fmt::format("{}ffn_gate{}", prefix_, ending);
        const std::string up = fmt::format("{}ffn_up{}", prefix_, ending);
        if (mixture) {
            (void)matrix(prefix_ + "ffn_gate_inp.weight", {width, shape_->experts});
        }
        const GgufTensor* const both = file_->tensor(up);
        const bool separate = file_->tensor(gate) != nullptr;
        const bool fused = !separate && both != nullptr && both->dimensions.size() > 1 &&
                           both->dimensions[1] == 2 * hidden;
        own.gated = separate || fused;
        types.up = matrix(up, {width, fused ? 2 * hidden : hidden, networks});
        types.gate = separate ? matrix(gate, {width, hidden, networks}) : types.up;
        types.down =
            matrix(fmt::format("{}ffn_down{}", prefix_, ending), {hidden, width, networks});
    }

    /// Sorts the tensors that nothing has looked for into vectors, which cost next to nothing, and
    /// matrices.
    void read_others(std::vector<std::string>& notes) {
        std::int64_t count = 0;
        std::uint64_t bytes = 0;
        std::string example;
        for (const GgufTensor& tensor : file_->tensors()) {
            if (seen_.contains(tensor.name)) {
                continue;
            }
            if (trimmed(tensor.dimensions).size() > 1) {
                unknown_.add(in_quotes(tensor.name));
                continue;
            }
            example = count == 0 ? tensor.name : example;
            bytes += tensor.bytes;
            ++count;
        }
        if (count > 0) {
            notes.push_back(fmt::format(
                "{}: the costs leave out {} of {} in all, {} first",
                file_->path().string(),
                count == 1 ? "one vector" : fmt::format("{} vectors", count),
                format_bytes(static_cast<Bytes>(bytes)),
                in_quotes(example)
            ));
        }
    }

    const GgufFile* file_;
    ModelShape* shape_;
    std::string prefix_; ///< of the tensors of a layer
    std::unordered_set<std::string_view> seen_;
    ProblemList missing_;
    ProblemList wrong_;
    ProblemList types_;
    ProblemList unlike_;
    ProblemList unknown_;
};

} // namespace

void read_standard_tensors(
    const GgufFile& file,
    ModelShape& shape,
    std::vector<std::string>& problems,
    std::vector<std::string>& notes
) {
    TensorReader reader(file, shape);
    reader.read();
    reader.report(problems, notes);
}

} // namespace headroom::model
