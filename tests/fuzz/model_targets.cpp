#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/error.hpp"
#include "fuzz/targets.hpp"
#include "model/costs/cost_shape.hpp"
#include "model/decoder/oracle.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/scan_file.hpp"
#include "model/support/gguf_writer.hpp"
#include "model/tokenizer/tokenizer.hpp"

namespace headroom::fuzz {

namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<float> decode(const model::GgufFile& file, kernels::Level level) {
    // Matrices are split into single rows, so that the most borders are tested.
    model::Oracle oracle(
        file, kernels::kernels_for(level), {}, std::pmr::new_delete_resource(), Bytes{1}
    );
    const std::int32_t last = static_cast<std::int32_t>(oracle.hyperparameters().vocabulary - 1);
    const std::int32_t ids[] = {0, last};
    const auto count =
        static_cast<std::size_t>(std::min<std::int64_t>(2, oracle.hyperparameters().context));
    const auto logits = oracle.append(std::span(ids).first(count));
    return {logits.begin(), logits.end()};
}

/// Compares the bits of two floats. Any NaN equals any NaN.
bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

kernels::Level best_simd_level() {
    for (const kernels::Level level : {kernels::Level::avx512, kernels::Level::avx2}) {
        if (kernels::available(level)) {
            return level;
        }
    }
    return kernels::Level::reference;
}

/// Reads the shape for costs, which accepts more files than the decoder.
void read_costs(const model::GgufFile& file, const model::ModelReport& report) {
    try {
        const model::CostShape costs = model::cost_shape_of(file);
        HEADROOM_CHECK(costs.shape.problems().empty(), "a shape without costs");
        HEADROOM_CHECK(
            !costs.notes.empty() || report.problems.empty(), "the shape of a model without a note"
        );
    } catch (const InputError&) {
        HEADROOM_CHECK(!report.problems.empty(), "a model that runs has no costs");
    }
}

} // namespace

int fuzz_gguf(std::span<const std::byte> input) {
    static const model::test::TemporaryFile temporary("");
    temporary.overwrite(text_of(input));
    const model::GgufFile file(temporary.path());
    const model::ModelReport report = model::report_on(file);
    read_costs(file, report);
    (void)model::tensor_type_uses(file);
    (void)model::scan_file(file);
    (void)model::read_hyperparameters(file); // throws if the report has problems
    HEADROOM_CHECK(report.problems.empty(), "two readings differ");
    const std::vector<float> logits = decode(file, kernels::Level::reference);
    const std::vector<float> other = decode(file, best_simd_level());
    HEADROOM_CHECK(
        std::equal(logits.begin(), logits.end(), other.begin(), other.end(), same),
        "the reference and the {} level differ",
        kernels::name_of(best_simd_level())
    );
    return 1;
}

int fuzz_tokenizer(std::span<const std::byte> input) {
    std::uint32_t length = 0;
    if (input.size() < sizeof length) {
        return 0;
    }
    std::memcpy(&length, input.data(), sizeof length);
    const auto rest = input.subspan(sizeof length);
    const std::string_view text = text_of(rest).substr(0, length);
    static const model::test::TemporaryFile temporary("");
    temporary.overwrite(text_of(rest).substr(text.size()));
    const model::Tokenizer tokenizer(model::GgufFile(temporary.path()));
    const std::vector<std::int32_t> ids = tokenizer.encode(text);
    std::string pieces;
    for (const std::int32_t id : ids) {
        pieces += tokenizer.piece(id);
    }
    // The decoded text may lack the one-byte space prefix at the start.
    const std::string decoded = tokenizer.decode(ids);
    HEADROOM_CHECK(pieces.ends_with(decoded), "{} bytes, {}", pieces.size(), decoded.size());
    HEADROOM_CHECK(pieces.size() - decoded.size() <= 1, "{} and {}", pieces.size(), decoded.size());
    for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
        (void)tokenizer.piece(id, true);
    }
    return 1;
}

} // namespace headroom::fuzz
