#include "runtime/setup/setup.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/wire.hpp"
#include "runtime/setup/agreement.hpp"
#include "runtime/setup/prompts.hpp"
#include "runtime/setup/requests.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::runtime {

namespace {

constexpr comm::WaitReason kWaitReason{"the set-up", -1, -1, -1};

/// What rank 0 sends to all devices.
struct SetupMessage {
    std::int32_t exit_code = 0;
    std::int32_t end_of_text = -1;
    std::vector<std::vector<std::int32_t>> prompts;
    std::optional<ResumePoint> resume;
    static auto wire_fields(auto& m) {
        return Fields() & m.exit_code & m.end_of_text & m.prompts & m.resume;
    }
};

OpenedModel open_model(const RunOptions& options, Setup& setup) {
    OpenedModel opened;
    try {
        opened.file = options.model_file != nullptr
                          ? options.model_file
                          : std::make_shared<const model::GgufFile>(options.scenario->model_file);
        setup.model = model_of(*options.scenario, *opened.file);
        check_cut(*options.scenario, setup.model);
    } catch (const Error& error) {
        opened.exit_code = static_cast<int>(error.code());
        opened.problem = error.what();
    }
    return opened;
}

/// Rank 0: tokenises the prompts, and checks their lengths and the number of sequences in flight.
void read_prompts(const RunOptions& options, Setup& setup) {
    const config::WorkloadConfig& workload = options.scenario->workload;
    setup.tokenizer = std::make_unique<model::Tokenizer>(*setup.file);
    for (const std::string& warning : setup.tokenizer->warnings()) {
        if (options.observer != nullptr) {
            options.observer->on_warning(warning);
        }
    }
    setup.prompts = tokenised_prompts(workload, *setup.tokenizer, setup.model.context);
    check_sizes(*options.scenario, setup.model, setup.prompts);
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

/// Rank 0: throws InputError if a resumed run had another model.
void check_model_of_resumed(const RunOptions& options, const Setup& setup) {
    if (options.resume && !options.resumed_model_hash.empty() &&
        options.resumed_model_hash != setup.model_hash) {
        throw InputError(fmt::format(
            "{}: is not the model of the run that goes on: its content hash is {}, expected {}; "
            "put that model there, or give another with --model",
            options.scenario->model_file.string(),
            setup.model_hash,
            options.resumed_model_hash
        ));
    }
}

/// Rank 0: reads the prompts and sends the result to all devices.
SetupMessage finish_on_rank_0(
    const RunOptions& options, comm::Transport& transport, Setup& setup, std::string& message
) {
    SetupMessage setup_message;
    try {
        read_prompts(options, setup);
        check_model_of_resumed(options, setup);
    } catch (const Error& error) {
        setup_message.exit_code = static_cast<std::int32_t>(error.code());
        message = error.what();
    }
    setup.resume = options.resume;
    setup_message.resume = options.resume;
    setup_message.prompts = setup.prompts;
    setup_message.end_of_text = setup.end_of_text;
    const std::vector<std::byte> bytes = pack(setup_message);
    for (std::size_t d = 1; d < transport.size(); ++d) {
        transport.send(DeviceId(d), comm::Tag::setup, bytes, kWaitReason);
    }
    return setup_message;
}

} // namespace

Agreement agree_on_setup(const RunOptions& options, comm::Transport& transport) {
    Agreement agreement;
    Setup setup;
    OpenedModel opened = open_model(options, setup);
    ModelAgreement agreed = agree_on_model(options, opened, transport);
    agreement.exit_code = agreed.exit_code;
    agreement.message = std::move(agreed.message);
    if (agreed.exit_code != 0) {
        return agreement;
    }
    setup.file = std::move(opened.file);
    setup.model_hash = std::move(agreed.model_hash);
    setup.level = agreed.level;
    setup.kernels_note = std::move(agreed.kernels_note);
    const SetupMessage setup_message =
        transport.self() == DeviceId(0)
            ? finish_on_rank_0(options, transport, setup, agreement.message)
            : unpack<SetupMessage>(
                  transport.receive_any_size(DeviceId(0), comm::Tag::setup, kWaitReason)
              );
    agreement.exit_code = setup_message.exit_code;
    if (setup_message.exit_code == 0) {
        setup.prompts = setup_message.prompts;
        setup.end_of_text = setup_message.end_of_text;
        setup.resume = setup_message.resume;
        setup.turn_sizes = turn_sizes(*options.scenario, setup.prompts);
        agreement.setup = std::move(setup);
    }
    return agreement;
}

} // namespace headroom::runtime
