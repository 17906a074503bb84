#include "runtime/setup/setup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/decoder/weights.hpp"
#include "runtime/memory/model_shape.hpp"
#include "runtime/messages/resume_wire.hpp"
#include "runtime/messages/wire.hpp"
#include "runtime/setup/agreement.hpp"
#include "runtime/setup/prompts.hpp"
#include "runtime/setup/requests.hpp"

namespace headroom::runtime {

namespace {

constexpr comm::Waiting kWaiting{"the set-up", -1, -1, -1};

/// What rank 0 tells everybody.
struct Verdict {
    std::int32_t exit_code = 0;
    std::int32_t end_of_text = -1;
    std::vector<std::vector<std::int32_t>> prompts;
    std::optional<ResumePoint> resume;
};

OpenedModel open_model(const RunOptions& options, Setup& setup) {
    OpenedModel opened;
    try {
        opened.file = options.model_file != nullptr
                          ? options.model_file
                          : std::make_shared<const model::GgufFile>(options.scenario->model_file);
        setup.model = model::read_hyperparameters(*opened.file);
        check_cut(*options.scenario, shape_of(setup.model));
    } catch (const Error& error) {
        opened.exit_code = static_cast<int>(error.code());
        opened.problem = error.what();
    }
    return opened;
}

/// Rank 0: the prompts' ids, and whether all of them fit the model's context; how many at once.
void read_prompts(const RunOptions& options, Setup& setup) {
    const config::WorkloadConfig& workload = options.scenario->workload;
    setup.tokenizer = std::make_unique<model::Tokenizer>(*setup.file);
    for (const std::string& warning : setup.tokenizer->warnings()) {
        if (options.observer != nullptr) {
            options.observer->on_warning(warning);
        }
    }
    setup.prompts = tokenised_prompts(workload, *setup.tokenizer, setup.model.context);
    check_sizes(*options.scenario, shape_of(setup.model), setup.prompts);
    setup.end_of_text = workload.stop_at_eos ? setup.tokenizer->eos() : -1;
    if (workload.slots() > comm::kMaxSlots) {
        throw InputError(fmt::format(
            "{} sequences in flight are more than devices can tell apart: expected at most {}; set "
            "workload.sequences",
            workload.slots(),
            comm::kMaxSlots
        ));
    }
}

/// Rank 0: other weights would go on with another text.
void check_model_of_resumed(const RunOptions& options, const Setup& setup) {
    if (options.resume && !options.resumed_model.empty() &&
        options.resumed_model != setup.model_hash) {
        throw InputError(fmt::format(
            "{}: is not the model of the run that goes on: its content hash is {}, expected {}; "
            "put that model there, or give another with --model",
            options.scenario->model_file.string(),
            setup.model_hash,
            options.resumed_model
        ));
    }
}

std::vector<std::byte> pack(const Verdict& verdict) {
    ByteWriter writer;
    writer.put(verdict.exit_code)
        .put(verdict.end_of_text)
        .put(static_cast<std::uint64_t>(verdict.prompts.size()));
    for (const std::vector<std::int32_t>& prompt : verdict.prompts) {
        writer.put_all(std::span<const std::int32_t>(prompt));
    }
    writer.put(verdict.resume.has_value());
    if (verdict.resume) {
        put(writer, *verdict.resume);
    }
    return writer.take();
}

/// Rank 0: reads the prompt, tells everybody.
Verdict judge(
    const RunOptions& options, comm::Transport& transport, Setup& setup, std::string& message
) {
    Verdict verdict;
    try {
        read_prompts(options, setup);
        check_model_of_resumed(options, setup);
    } catch (const Error& error) {
        verdict.exit_code = static_cast<std::int32_t>(error.code());
        message = error.what();
    }
    setup.resume = options.resume;
    verdict.resume = options.resume;
    verdict.prompts = setup.prompts;
    verdict.end_of_text = setup.end_of_text;
    const std::vector<std::byte> bytes = pack(verdict);
    for (std::size_t d = 1; d < transport.size(); ++d) {
        transport.send(DeviceId(d), comm::Tag::setup, bytes, kWaiting);
    }
    return verdict;
}

Verdict hear(comm::Transport& transport) {
    const auto bytes = transport.receive_any_size(DeviceId(0), comm::Tag::setup, kWaiting);
    ByteReader reader(bytes);
    Verdict verdict;
    verdict.exit_code = reader.get<std::int32_t>();
    verdict.end_of_text = reader.get<std::int32_t>();
    verdict.prompts.resize(reader.get<std::uint64_t>());
    for (std::vector<std::int32_t>& prompt : verdict.prompts) {
        prompt = reader.get_all<std::int32_t>();
    }
    if (reader.get<bool>()) {
        verdict.resume = get_resume_point(reader);
    }
    return verdict;
}

} // namespace

Agreement agree(const RunOptions& options, comm::Transport& transport) {
    Agreement agreement;
    Setup setup;
    OpenedModel opened = open_model(options, setup);
    Common common = agree_on_common(options, opened, transport);
    agreement.exit_code = common.exit_code;
    agreement.message = std::move(common.message);
    if (common.exit_code != 0) {
        return agreement;
    }
    setup.file = std::move(opened.file);
    setup.model_hash = std::move(common.model_hash);
    setup.level = common.level;
    setup.kernels_note = std::move(common.kernels_note);
    const Verdict verdict = transport.self() == DeviceId(0)
                                ? judge(options, transport, setup, agreement.message)
                                : hear(transport);
    agreement.exit_code = verdict.exit_code;
    if (verdict.exit_code == 0) {
        setup.prompts = verdict.prompts;
        setup.end_of_text = verdict.end_of_text;
        setup.resume = verdict.resume;
        setup.turn_sizes = turn_sizes(*options.scenario, setup.prompts);
        agreement.setup = std::move(setup);
    }
    return agreement;
}

} // namespace headroom::runtime
