#include "tests/model/support/naive_decoder.hpp"

#include <cmath>
#include <string>
#include <string_view>

#include "tests/model/support/random_weights.hpp"

namespace headroom::model::test {

namespace {

using Vector = std::vector<double>;

/// A tensor's values in file order.
Vector values(const GgufFile& file, const std::string& name) {
    const GgufTensor& tensor = *file.tensor(name);
    std::string data(tensor.bytes, '\0');
    file.read(tensor, 0, std::as_writable_bytes(std::span(data)));
    Vector result(1);
    for (const std::int64_t length : tensor.dimensions) {
        result.resize(result.size() * static_cast<std::size_t>(length));
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] = weight_at(data, i, static_cast<StoredType>(tensor.ggml_type));
    }
    return result;
}

Vector times(const Vector& matrix, const Vector& x) {
    Vector y(matrix.size() / x.size());
    for (std::size_t m = 0; m < y.size(); ++m) {
        for (std::size_t k = 0; k < x.size(); ++k) {
            y[m] += matrix[m * x.size() + k] * x[k];
        }
    }
    return y;
}

Vector normed(const Vector& x, const Vector& weight, double epsilon) {
    double squares = 0;
    for (const double value : x) {
        squares += value * value;
    }
    Vector y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        y[i] = x[i] / std::sqrt(squares / static_cast<double>(x.size()) + epsilon) * weight[i];
    }
    return y;
}

/// Turns the pairs (2i, 2i+1) of every head by position · theta^(−2i/d).
void rotate(Vector& x, std::size_t d, double position, double theta) {
    for (std::size_t i = 0; i < x.size(); i += 2) {
        const double exponent = -static_cast<double>(i % d) / static_cast<double>(d);
        const double angle = position * std::pow(theta, exponent);
        const double a = x[i];
        const double b = x[i + 1];
        x[i] = a * std::cos(angle) - b * std::sin(angle);
        x[i + 1] = a * std::sin(angle) + b * std::cos(angle);
    }
}

/// One head's output at the last of the keys given; `at` is the K/V head's first element.
void attend(
    const Vector& queries,
    std::size_t head,
    std::size_t d,
    std::size_t at,
    std::span<const Vector> keys,
    std::span<const Vector> rows,
    Vector& out
) {
    Vector weights;
    double sum = 0;
    for (const Vector& key : keys) {
        double score = 0;
        for (std::size_t i = 0; i < d; ++i) {
            score += queries[head * d + i] * key[at + i];
        }
        weights.push_back(std::exp(score / std::sqrt(static_cast<double>(d))));
        sum += weights.back();
    }
    for (std::size_t s = 0; s < rows.size(); ++s) {
        for (std::size_t i = 0; i < d; ++i) {
            out[head * d + i] += weights[s] / sum * rows[s][at + i];
        }
    }
}

std::string key(const GgufFile& file, const std::string& name) {
    return std::string(*file.text("general.architecture")) + "." + name;
}

class Layer {
  public:
    Layer(const GgufFile& file, std::int64_t index)
        : file_(&file), name_("blk." + std::to_string(index) + "."),
          heads_(static_cast<std::size_t>(*file.integer(key(file, "attention.head_count")))),
          kv_heads_(static_cast<std::size_t>(*file.integer(key(file, "attention.head_count_kv")))),
          epsilon_(*file.number(key(file, "attention.layer_norm_rms_epsilon"))),
          theta_(*file.number(key(file, "rope.freq_base"))) {}

    void apply(std::vector<Vector>& x) const {
        const std::size_t d = x[0].size() / heads_;
        std::vector<Vector> queries;
        std::vector<Vector> keys;
        std::vector<Vector> rows;
        for (std::size_t t = 0; t < x.size(); ++t) {
            const Vector h = normed(x[t], weight("attn_norm"), epsilon_);
            queries.push_back(times(weight("attn_q"), h));
            keys.push_back(times(weight("attn_k"), h));
            rows.push_back(times(weight("attn_v"), h));
            rotate(queries[t], d, static_cast<double>(t), theta_);
            rotate(keys[t], d, static_cast<double>(t), theta_);
        }
        for (std::size_t t = 0; t < x.size(); ++t) {
            Vector out(x[t].size());
            for (std::size_t head = 0; head < heads_; ++head) {
                const std::size_t at = head / (heads_ / kv_heads_) * d;
                attend(
                    queries[t],
                    head,
                    d,
                    at,
                    std::span(keys).first(t + 1),
                    std::span(rows).first(t + 1),
                    out
                );
            }
            add(times(weight("attn_output"), out), x[t]);
            feed_forward(x[t]);
        }
    }

  private:
    static void add(const Vector& y, Vector& x) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] += y[i];
        }
    }

    void feed_forward(Vector& x) const {
        const Vector h = normed(x, weight("ffn_norm"), epsilon_);
        Vector gate = times(weight("ffn_gate"), h);
        const Vector up = times(weight("ffn_up"), h);
        for (std::size_t i = 0; i < gate.size(); ++i) {
            gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
        }
        add(times(weight("ffn_down"), gate), x);
    }

    [[nodiscard]] Vector weight(const std::string& what) const {
        return values(*file_, name_ + what + ".weight");
    }

    const GgufFile* file_;
    std::string name_;
    std::size_t heads_;
    std::size_t kv_heads_;
    double epsilon_;
    double theta_;
};

} // namespace

std::vector<double> naive_logits(const GgufFile& file, std::span<const std::int32_t> ids) {
    const auto width = *file.integer(key(file, "embedding_length"));
    const Vector embedding = values(file, "token_embd.weight");
    std::vector<Vector> x;
    for (const std::int32_t id : ids) {
        const auto row = embedding.begin() + id * width;
        x.emplace_back(row, row + width);
    }
    for (std::int64_t layer = 0; layer < *file.integer(key(file, "block_count")); ++layer) {
        Layer(file, layer).apply(x);
    }
    const double epsilon = *file.number(key(file, "attention.layer_norm_rms_epsilon"));
    const Vector last = normed(x.back(), values(file, "output_norm.weight"), epsilon);
    const bool tied = file.tensor("output.weight") == nullptr;
    return times(tied ? embedding : values(file, "output.weight"), last);
}

} // namespace headroom::model::test
