#include "model/metadata/refusals.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "model/gguf/gguf_cursor.hpp"

namespace headroom::model {

namespace {

/// Returns a text of the metadata, or "" if the key is absent or has another type.
std::string_view text_or_nothing(const GgufFile& file, std::string_view key) {
    const GgufValue* const value = file.find(key);
    const auto* const text = value == nullptr ? nullptr : std::get_if<std::string_view>(value);
    return text == nullptr ? std::string_view() : *text;
}

[[noreturn]] void refuse(const GgufFile& file, std::string_view why) {
    throw InputError(fmt::format("{}: {}", file.path().string(), why));
}

/// Throws InputError for GGUF files of llama.cpp that are not models.
void check_is_a_model(const GgufFile& file) {
    const std::string_view type = text_or_nothing(file, "general.type");
    if (type == "adapter" || file.find("adapter.type") != nullptr) {
        refuse(
            file,
            "it is an adapter (LoRA), which only changes the weights of another model; give that "
            "model, or merge both into one file first (llama.cpp's llama-export-lora)"
        );
    }
    if (type == "mmproj" || text_or_nothing(file, "general.architecture") == "clip") {
        refuse(
            file,
            "it is a projector (mmproj), the part of a multimodal model that takes in pictures or "
            "sound; give the language model that it belongs to"
        );
    }
    if (type == "imatrix" || file.find("imatrix.chunk_count") != nullptr) {
        refuse(
            file,
            "it is an importance matrix (imatrix), statistics by which a model is quantised; give "
            "a "
            "model"
        );
    }
}

/// Returns why the decoder cannot compute an architecture, as its keys show it, in brackets; or "".
std::string obstacles(const GgufFile& file, std::string_view architecture) {
    struct Obstacle {
        const char* key;
        const char* what;
    };
    static constexpr std::array kObstacles{
        Obstacle{"attention.kv_lora_rank", "multi-head latent attention (MLA)"},
        Obstacle{"expert_count", "a mixture of experts"},
        Obstacle{"ssm.state_size", "recurrent layers"},
        Obstacle{"wkv.head_size", "recurrent layers"},
        Obstacle{"shortconv.l_cache", "recurrent layers"},
    };
    std::vector<std::string> found;
    for (const Obstacle& obstacle : kObstacles) {
        const GgufValue* const value = file.find(fmt::format("{}.{}", architecture, obstacle.key));
        const auto* const number = value == nullptr ? nullptr : std::get_if<std::uint64_t>(value);
        if (number != nullptr && *number > 0) {
            found.emplace_back(obstacle.what);
        }
    }
    return found.empty() ? "" : fmt::format(" ({})", fmt::join(found, " and "));
}

} // namespace

const Architecture& known_architecture(const GgufFile& file) {
    check_is_a_model(file);
    const auto name = file.text("general.architecture");
    if (!name) {
        refuse(file, "the required metadata general.architecture is missing; is it a model file?");
    }
    const Architecture* const found = find_architecture(*name);
    if (found == nullptr) {
        std::vector<std::string> known;
        for (const Architecture* const architecture : architectures()) {
            known.push_back(in_quotes(architecture->name));
        }
        refuse(
            file,
            fmt::format(
                "the architecture is {}{}; only {} can be computed",
                in_quotes(*name),
                obstacles(file, *name),
                fmt::join(known, ", ")
            )
        );
    }
    return *found;
}

} // namespace headroom::model
