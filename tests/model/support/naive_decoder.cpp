#include "tests/model/support/naive_decoder.hpp"

#include <algorithm>
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

std::string key(const GgufFile& file, const std::string& name) {
    return std::string(*file.text("general.architecture")) + "." + name;
}

/// What a file says, and what follows from the name of its architecture.
class Config {
  public:
    explicit Config(const GgufFile& file)
        : file_(&file), name_(*file.text("general.architecture")), width(size("embedding_length")),
          heads(size("attention.head_count")), kv_heads(size("attention.head_count_kv", heads)),
          d(size("attention.key_length", width / heads)), rotated(size("rope.dimension_count", d)),
          layers(size("block_count")), context(size("context_length")),
          window(size("attention.sliding_window", is("gemma2") ? 4096 : 0)),
          epsilon(number("attention.layer_norm_rms_epsilon")) {}

    [[nodiscard]] bool is(std::string_view name) const { return name_ == name; }
    [[nodiscard]] bool gemma() const { return is("gemma2") || is("gemma3"); }
    [[nodiscard]] bool turns_halves() const {
        return gemma() || is("qwen2") || is("qwen3") || is("phi3") || is("olmo2");
    }
    [[nodiscard]] double number(const std::string& name, double fallback = 0) const {
        return file_->number(key(*file_, name)).value_or(fallback);
    }
    [[nodiscard]] std::size_t size(const std::string& name, std::size_t fallback = 0) const {
        return static_cast<std::size_t>(number(name, static_cast<double>(fallback)));
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        return std::string(file_->text(key(*file_, name)).value_or(""));
    }
    [[nodiscard]] const GgufFile& file() const { return *file_; }
    [[nodiscard]] bool has_window(std::size_t layer) const {
        const std::size_t period = is("gemma2") ? 2 : is("gemma3") ? 6 : is("olmo2") ? 4 : 0;
        return window > 0 && (period == 0 || layer % period != period - 1);
    }

  private:
    const GgufFile* file_;
    std::string name_;

  public:
    std::size_t width, heads, kv_heads, d, rotated, layers, context, window;
    double epsilon;
};

/// The angle per position of each pair, and the magnitude of cosines and sines.
struct Turns {
    Vector frequencies;
    double magnitude = 1;
};

Turns turns_of(const Config& config, std::size_t layer) {
    const bool own = config.has_window(layer) && (config.is("gemma3") || config.is("olmo2"));
    const double base = own && config.is("gemma3") ? config.number("rope.freq_base_swa", 10000)
                                                   : config.number("rope.freq_base", 10000);
    const std::string scaling = own ? "none" : config.text("rope.scaling.type");
    const double factor = config.number("rope.scaling.factor", 1);
    const double original =
        config.number("rope.scaling.original_context_length", static_cast<double>(config.context));
    Turns turns;
    turns.magnitude = own ? 1 : config.number("rope.scaling.attn_factor", 1);
    const bool is_long = static_cast<double>(config.context) > original;
    Vector divisors;
    for (const char* const name :
         {"rope_freqs.weight",
          is_long ? "rope_factors_long.weight" : "rope_factors_short.weight"}) {
        if (config.file().tensor(name) != nullptr) {
            divisors = values(config.file(), name);
        }
    }
    const auto r = static_cast<double>(config.rotated);
    const auto pair_of = [&](double turns_in_context) {
        return r * std::log(original / (turns_in_context * 2 * std::acos(-1.0))) /
               (2 * std::log(base));
    };
    const double fast = config.number("rope.scaling.yarn_beta_fast", 32);
    const double slow = config.number("rope.scaling.yarn_beta_slow", 1);
    const double low = std::max(0.0, std::floor(pair_of(fast)));
    const double high = std::min(r - 1, std::ceil(pair_of(slow)));
    for (std::size_t i = 0; i < config.rotated / 2; ++i) {
        double f = std::pow(base, -2 * static_cast<double>(i) / r);
        f = divisors.empty() ? f : f / divisors[i];
        if (scaling == "linear") {
            f /= factor;
        } else if (scaling == "yarn") {
            const double along = (static_cast<double>(i) - low) / std::max(0.001, high - low);
            const double slowed = std::min(1.0, std::max(0.0, along));
            f = f * (1 - slowed) + f / factor * slowed;
        }
        turns.frequencies.push_back(f);
    }
    if (scaling == "yarn") {
        const double m = config.number("rope.scaling.yarn_log_multiplier");
        turns.magnitude *= (1 + 0.1 * std::log(factor)) / (1 + 0.1 * m * std::log(factor));
    }
    return turns;
}

/// Turns the pairs of every head.
void rotate(const Config& config, const Turns& turns, double position, Vector& x) {
    for (std::size_t head = 0; head < x.size(); head += config.d) {
        for (std::size_t i = 0; i < config.rotated / 2; ++i) {
            const double angle = position * turns.frequencies[i];
            const double cosine = std::cos(angle) * turns.magnitude;
            const double sine = std::sin(angle) * turns.magnitude;
            double& a = x[head + (config.turns_halves() ? i : 2 * i)];
            double& b = x[head + (config.turns_halves() ? i + config.rotated / 2 : 2 * i + 1)];
            const double old = a;
            a = old * cosine - b * sine;
            b = old * sine + b * cosine;
        }
    }
}

double capped(double x, double cap) {
    return cap > 0 ? cap * std::tanh(x / cap) : x;
}

/// The queries, keys and values of all positions.
struct Projections {
    std::vector<Vector> queries, keys, rows;
};

class Layer {
  public:
    Layer(const Config& config, std::size_t index)
        : c_(config), index_(index), name_("blk." + std::to_string(index) + "."),
          turns_(turns_of(config, index)) {}

    void apply(std::vector<Vector>& x) const {
        Projections all;
        for (std::size_t t = 0; t < x.size(); ++t) {
            project(has("attn_norm") ? norm("attn_norm", x[t]) : x[t], t, all);
        }
        for (std::size_t t = 0; t < x.size(); ++t) {
            Vector out(c_.heads * c_.d);
            for (std::size_t head = 0; head < c_.heads; ++head) {
                attend(all, t, head, out);
            }
            add(post("post_attention_norm", times(weight("attn_output"), out)),
                x[t],
                c_.number("residual_scale", 1));
            feed_forward(x[t]);
        }
    }

  private:
    static void add(const Vector& y, Vector& x, double factor = 1) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] += y[i] * factor;
        }
    }

    [[nodiscard]] bool has(const std::string& what) const {
        return c_.file().tensor(name_ + what + ".weight") != nullptr;
    }
    [[nodiscard]] Vector weight(const std::string& what) const {
        return values(c_.file(), name_ + what + ".weight");
    }
    [[nodiscard]] Vector norm(const std::string& what, const Vector& x) const {
        return normed(x, weight(what), c_.epsilon);
    }
    [[nodiscard]] Vector post(const std::string& what, const Vector& x) const {
        return has(what) ? norm(what, x) : x;
    }

    /// Rows first … first+count−1 of a matrix, times x.
    [[nodiscard]] Vector part(
        const std::string& what, std::size_t first, std::size_t count, const Vector& x
    ) const {
        const Vector all = times(weight(what), x);
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
        return {begin, begin + static_cast<std::ptrdiff_t>(count)};
    }

    [[nodiscard]] Vector projected(
        char which, std::size_t fused_row, std::size_t count, const Vector& h
    ) const {
        if (has("attn_qkv")) {
            return part("attn_qkv", fused_row, count, h);
        }
        const std::string what = std::string("attn_") + which;
        Vector y = times(weight(what), h);
        if (c_.file().tensor(name_ + what + ".bias") != nullptr) {
            add(values(c_.file(), name_ + what + ".bias"), y);
        }
        return y;
    }

    /// Norms of queries or keys: of the whole vector, or of each head.
    void normalise(const std::string& what, Vector& x) const {
        if (!has(what)) {
            return;
        }
        const Vector factors = weight(what);
        for (std::size_t at = 0; at < x.size(); at += factors.size()) {
            const auto begin = x.begin() + static_cast<std::ptrdiff_t>(at);
            const auto end = begin + static_cast<std::ptrdiff_t>(factors.size());
            const Vector y = normed({begin, end}, factors, c_.epsilon);
            std::copy(y.begin(), y.end(), begin);
        }
    }

    void project(const Vector& h, std::size_t position, Projections& all) const {
        const std::size_t queries = c_.heads * c_.d;
        const std::size_t keys = c_.kv_heads * c_.d;
        Vector q = projected('q', 0, queries, h);
        Vector k = projected('k', queries, keys, h);
        normalise("attn_q_norm", q);
        normalise("attn_k_norm", k);
        if (!(c_.is("smollm3") && index_ % 4 == 3)) {
            rotate(c_, turns_, static_cast<double>(position), q);
            rotate(c_, turns_, static_cast<double>(position), k);
        }
        all.queries.push_back(q);
        all.keys.push_back(k);
        all.rows.push_back(projected('v', queries + keys, keys, h));
    }

    /// One head's output at position t.
    void attend(const Projections& all, std::size_t t, std::size_t head, Vector& out) const {
        const std::size_t at = head / (c_.heads / c_.kv_heads) * c_.d;
        const bool windowed = c_.has_window(index_) && t + 1 > c_.window;
        const std::size_t first = windowed ? t + 1 - c_.window : 0;
        const double old = c_.number("rope.scaling.original_context_length", 1);
        const double heat = 1 + c_.number("attention.temperature_scale") *
                                    std::log(1 + std::floor(static_cast<double>(t) / old));
        Vector weights;
        double sum = 0;
        for (std::size_t s = first; s <= t; ++s) {
            double score = 0;
            for (std::size_t i = 0; i < c_.d; ++i) {
                score += all.queries[t][head * c_.d + i] * all.keys[s][at + i];
            }
            const double own = c_.number("attention.scale");
            score *= heat * (own > 0 ? own : 1 / std::sqrt(static_cast<double>(c_.d)));
            const double cap = c_.number("attn_logit_softcapping", c_.is("gemma2") ? 50 : 0);
            weights.push_back(std::exp(capped(score, cap)));
            sum += weights.back();
        }
        for (std::size_t s = first; s <= t; ++s) {
            for (std::size_t i = 0; i < c_.d; ++i) {
                out[head * c_.d + i] += weights[s - first] / sum * all.rows[s][at + i];
            }
        }
    }

    [[nodiscard]] double activated(double z) const {
        if (c_.gemma()) {
            const double inner = std::sqrt(2 / std::acos(-1.0)) * (z + 0.044715 * z * z * z);
            return z / 2 * (1 + std::tanh(inner));
        }
        return z / (1 + std::exp(-z));
    }

    void feed_forward(Vector& x) const {
        const Vector h = has("ffn_norm") ? norm("ffn_norm", x) : x;
        const std::size_t hidden = c_.size("feed_forward_length");
        const bool fused = !has("ffn_gate");
        Vector gate = fused ? part("ffn_up", 0, hidden, h) : times(weight("ffn_gate"), h);
        const Vector up = fused ? part("ffn_up", hidden, hidden, h) : times(weight("ffn_up"), h);
        for (std::size_t i = 0; i < gate.size(); ++i) {
            gate[i] = activated(gate[i]) * up[i];
        }
        add(post("post_ffw_norm", times(weight("ffn_down"), gate)),
            x,
            c_.number("residual_scale", 1));
    }

    const Config& c_;
    std::size_t index_;
    std::string name_;
    Turns turns_;
};

} // namespace

std::vector<double> naive_logits(const GgufFile& file, std::span<const std::int32_t> ids) {
    const Config config(file);
    const Vector embedding = values(file, "token_embd.weight");
    const double scale = config.gemma() ? std::sqrt(static_cast<double>(config.width))
                                        : config.number("embedding_scale", 1);
    std::vector<Vector> x;
    for (const std::int32_t id : ids) {
        const auto width = static_cast<std::ptrdiff_t>(config.width);
        const auto row = embedding.begin() + id * width;
        x.emplace_back(row, row + width);
        for (double& value : x.back()) {
            value *= scale;
        }
    }
    for (std::size_t layer = 0; layer < config.layers; ++layer) {
        Layer(config, layer).apply(x);
    }
    const Vector last = normed(x.back(), values(file, "output_norm.weight"), config.epsilon);
    const bool tied = file.tensor("output.weight") == nullptr;
    Vector logits = times(tied ? embedding : values(file, "output.weight"), last);
    for (double& logit : logits) {
        logit = capped(
            logit / config.number("logit_scale", 1),
            config.number("final_logit_softcapping", config.is("gemma2") ? 30 : 0)
        );
    }
    return logits;
}

} // namespace headroom::model::test
