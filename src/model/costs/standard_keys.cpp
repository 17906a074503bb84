#include "model/costs/standard_keys.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/gguf/gguf_value.hpp"

namespace headroom::model {

namespace {

class KeyReader {
  public:
    KeyReader(
        const GgufFile& file,
        ModelShape& shape,
        std::vector<std::string>& problems,
        std::vector<std::string>& notes
    )
        : file_(&file), prefix_(std::string(*file.text("general.architecture")) + "."),
          shape_(&shape), problems_(&problems), notes_(&notes) {}

    void read() {
        for_each_size([&]<class T>(const ShapeField<ModelShape, T>& size) {
            if (size.gguf_key != nullptr) {
                const bool kv_heads = std::string_view(size.name) == "kv_heads";
                const std::int64_t fallback = kv_heads ? shape_->heads : 0;
                shape_->*size.member = static_cast<T>(count(size.gguf_key, size.max, fallback));
            }
        });
        read_head_width();
        read_experts();
        read_window();
    }

  private:
    void problem(const std::string& text) {
        problems_->push_back(fmt::format("{}: {}", file_->path().string(), text));
    }

    /// Returns the value of an integer, or nothing if the key is absent or, which is a problem, of
    /// another type.
    std::optional<std::int64_t> integer(std::string_view name) {
        try {
            return file_->integer(prefix_ + std::string(name));
        } catch (const InputError& error) {
            problems_->insert(problems_->end(), error.problems().begin(), error.problems().end());
            return std::nullopt;
        }
    }

    /// Returns a count from 1 to `max`, or `fallback` if the key is absent; 0 after a problem. A
    /// fallback of 0 means that the key is required.
    std::int64_t count(std::string_view name, std::int64_t max, std::int64_t fallback) {
        const std::size_t before = problems_->size();
        const auto value = integer(name);
        if (problems_->size() > before) {
            return 0;
        }
        if (!value && fallback == 0) {
            problem(fmt::format("the required metadata {}{} is missing", prefix_, name));
        } else if (value && (*value < 1 || *value > max)) {
            problem(fmt::format("{}{}: expected 1 to {}, found {}", prefix_, name, max, *value));
            return 0;
        }
        return value.value_or(fallback);
    }

    void read_head_width() {
        if (shape_->heads < 1 || shape_->width < 1) {
            return; // reported by count()
        }
        const std::int64_t even = shape_->width / shape_->heads;
        const std::int64_t keys = count("attention.key_length", kMaxModelWidth, even);
        const std::int64_t values = count("attention.value_length", kMaxModelWidth, keys);
        if (keys != values) {
            problem(fmt::format(
                "{0}attention.key_length is {1} and {0}attention.value_length {2}: the costs of "
                "keys and values of different widths are not known",
                prefix_,
                keys,
                values
            ));
        }
        shape_->own_head_width = keys * shape_->heads == shape_->width ? 0 : keys;
    }

    void read_experts() {
        const auto experts = integer("expert_count");
        if (!experts || *experts == 0) {
            return;
        }
        shape_->experts = *experts; // ModelShape::problems() checks both
        shape_->experts_used = count("expert_used_count", std::max<std::int64_t>(1, *experts), 0);
        shape_->ffn_width =
            count("expert_feed_forward_length", kMaxModelFfnWidth, shape_->ffn_width);
    }

    void read_window() {
        const auto window = integer("attention.sliding_window");
        if (!window || *window <= 0 || *window >= shape_->context) {
            return; // as if there were none
        }
        const std::string key = prefix_ + "attention.sliding_window_pattern";
        const GgufValue* const pattern = file_->find(key);
        if (pattern == nullptr) {
            notes_->push_back(fmt::format(
                "{}: {}attention.sliding_window is {}, but the file does not say in which layers: "
                "the costs are those of layers without a window",
                file_->path().string(),
                prefix_,
                *window
            ));
            return;
        }
        const auto period = period_of(*pattern);
        if (!period) {
            problem(fmt::format(
                "{}: expected a number, or a list in which every so many layers one has no window",
                key
            ));
            return;
        }
        shape_->window = *period == 1 ? 0 : *window;
        shape_->window_period = *period == 1 ? 0 : *period;
    }

    /// Returns of how many layers the last has no window: 1 if none has one, 0 if all have.
    [[nodiscard]] std::optional<std::int64_t> period_of(const GgufValue& pattern) const {
        if (const auto* const number = std::get_if<std::uint64_t>(&pattern)) {
            return *number <= static_cast<std::uint64_t>(kMaxModelLayers)
                       ? std::optional(static_cast<std::int64_t>(*number))
                       : std::nullopt;
        }
        const auto* const list = std::get_if<GgufArray>(&pattern);
        if (list == nullptr || kind_of(list->element_type) != GgufKind::boolean ||
            list->count != static_cast<std::uint64_t>(shape_->layers)) {
            return std::nullopt;
        }
        const auto windowed = [&](std::int64_t layer) {
            return list->bytes[static_cast<std::size_t>(layer)] != std::byte{0};
        };
        std::int64_t period = 0; // the number of the first layer without a window, from 1
        for (std::int64_t layer = 0; layer < shape_->layers && period == 0; ++layer) {
            period = windowed(layer) ? 0 : layer + 1;
        }
        for (std::int64_t layer = 0; layer < shape_->layers; ++layer) {
            const bool expected = period == 0 || (layer + 1) % period != 0;
            if (windowed(layer) != expected) {
                return std::nullopt;
            }
        }
        return period;
    }

    const GgufFile* file_;
    std::string prefix_; ///< of the keys of the architecture
    ModelShape* shape_;
    std::vector<std::string>* problems_;
    std::vector<std::string>* notes_;
};

} // namespace

void read_standard_keys(
    const GgufFile& file,
    ModelShape& shape,
    std::vector<std::string>& problems,
    std::vector<std::string>& notes
) {
    KeyReader(file, shape, problems, notes).read();
}

} // namespace headroom::model
