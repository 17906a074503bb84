#include "runtime/setup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/weights.hpp"
#include "runtime/wire.hpp"

namespace headroom::runtime {

namespace {

constexpr comm::Waiting kWaiting{"the set-up", -1, -1, -1};

/// What a device found out alone.
struct Finding {
    kernels::Level level = kernels::Level::reference;
    std::int32_t exit_code = 0;
    std::string problem;
};

/// What rank 0 tells everybody.
struct Verdict {
    std::int32_t exit_code = 0;
    kernels::Level level = kernels::Level::reference;
    std::int32_t end_of_text = -1;
    std::vector<std::int32_t> prompt;
};

Finding open_model(const RunOptions& options, Setup& setup) {
    Finding finding{options.level, 0, {}};
    try {
        setup.file = std::make_unique<model::GgufFile>(options.scenario->model_file);
        setup.model = model::read_hyperparameters(*setup.file);
    } catch (const Error& error) {
        finding.exit_code = static_cast<std::int32_t>(error.code());
        finding.problem = error.what();
    }
    return finding;
}

/// Rank 0: the prompt's ids, and whether all of it fits the model's context.
void read_prompt(const RunOptions& options, Setup& setup) {
    const config::WorkloadConfig& workload = options.scenario->workload;
    setup.tokenizer = std::make_unique<model::Tokenizer>(*setup.file);
    setup.model_hash = setup.file->hash();
    setup.prompt = setup.tokenizer->encode(workload.prompts.front());
    setup.end_of_text = workload.stop_at_eos ? setup.tokenizer->eos() : -1;
    if (setup.prompt.empty()) {
        throw InputError(
            "the prompt is empty and the model has no begin-of-text token: give a prompt"
        );
    }
    const auto prompt = static_cast<std::int64_t>(setup.prompt.size());
    // The last sampled token needs no row of its own.
    if (prompt + workload.tokens - 1 > setup.model.context) {
        throw InputError(fmt::format(
            "the prompt has {} tokens and {} are to be sampled, but the model's context is {}: "
            "at most {} can be sampled (workload.tokens)",
            prompt,
            workload.tokens,
            setup.model.context,
            std::max<std::int64_t>(0, setup.model.context - prompt + 1)
        ));
    }
}

std::vector<std::byte> pack(const Finding& finding) {
    return ByteWriter().put(finding.level).put(finding.exit_code).put_text(finding.problem).take();
}

std::vector<std::byte> pack(const Verdict& verdict) {
    return ByteWriter()
        .put(verdict.exit_code)
        .put(verdict.level)
        .put(verdict.end_of_text)
        .put_all(std::span<const std::int32_t>(verdict.prompt))
        .take();
}

/// Rank 0: hears everybody, decides, tells everybody.
Verdict judge(
    const RunOptions& options,
    comm::Transport& transport,
    const Finding& own,
    Setup& setup,
    std::string& message
) {
    Verdict verdict{own.exit_code, own.level, -1, {}};
    message = own.problem;
    for (std::size_t d = 1; d < transport.size(); ++d) {
        const auto bytes = transport.receive_any_size(DeviceId(d), comm::Tag::setup, kWaiting);
        ByteReader reader(bytes);
        verdict.level = std::min(verdict.level, reader.get<kernels::Level>());
        const auto code = reader.get<std::int32_t>();
        const std::string problem = reader.get_text();
        if (code != 0 && verdict.exit_code == 0) {
            verdict.exit_code = code;
            message = fmt::format("on device {}: {}", d, problem);
        }
    }
    if (verdict.exit_code == 0) {
        try {
            read_prompt(options, setup);
        } catch (const Error& error) {
            verdict.exit_code = static_cast<std::int32_t>(error.code());
            message = error.what();
        }
    }
    verdict.prompt = setup.prompt;
    verdict.end_of_text = setup.end_of_text;
    const std::vector<std::byte> bytes = pack(verdict);
    for (std::size_t d = 1; d < transport.size(); ++d) {
        transport.send(DeviceId(d), comm::Tag::setup, bytes, kWaiting);
    }
    return verdict;
}

Verdict hear(comm::Transport& transport, const Finding& own) {
    transport.send(DeviceId(0), comm::Tag::setup, pack(own), kWaiting);
    const auto bytes = transport.receive_any_size(DeviceId(0), comm::Tag::setup, kWaiting);
    ByteReader reader(bytes);
    Verdict verdict;
    verdict.exit_code = reader.get<std::int32_t>();
    verdict.level = reader.get<kernels::Level>();
    verdict.end_of_text = reader.get<std::int32_t>();
    verdict.prompt = reader.get_all<std::int32_t>();
    return verdict;
}

} // namespace

Agreement agree(const RunOptions& options, comm::Transport& transport) {
    Agreement agreement;
    Setup setup;
    const Finding own = open_model(options, setup);
    const Verdict verdict = transport.self() == DeviceId(0)
                                ? judge(options, transport, own, setup, agreement.message)
                                : hear(transport, own);
    agreement.exit_code = verdict.exit_code;
    if (verdict.exit_code == 0) {
        setup.level = verdict.level;
        setup.prompt = verdict.prompt;
        setup.end_of_text = verdict.end_of_text;
        setup.tokens_per_turn = static_cast<std::int64_t>(verdict.prompt.size());
        agreement.setup = std::move(setup);
    }
    return agreement;
}

} // namespace headroom::runtime
