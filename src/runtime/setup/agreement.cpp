#include "runtime/setup/agreement.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/wire.hpp"
#include "model/gguf/content_hash.hpp"
#include "model/gguf/scan_file.hpp"
#include "runtime/setup/host_text.hpp"
#include "runtime/setup/kernel_agreement.hpp"
#include "runtime/setup/model_copies.hpp"

namespace headroom::runtime {

namespace {

constexpr comm::WaitReason kFindingsWait{"the set-up", -1, -1, -1};
constexpr comm::WaitReason kHashing{"the hash of a model file", -1, -1, -1};

/// What one rank reports about its scenario, kernels and model file.
struct Finding {
    std::int32_t exit_code = 0;
    std::string problem;
    std::uint64_t scenario_hash = 0;
    KernelOffer kernels;
    ModelCopy copy;
    static auto wire_fields(auto& m) {
        return Fields() & m.exit_code & m.problem & m.scenario_hash & m.kernels & m.copy;
    }
};

/// The answer of rank 0 to a device: a request to hash its file first, or the result.
struct FindingAnswer {
    bool hash_first = false;
    std::int32_t exit_code = 0;
    kernels::Level level = kernels::Level::reference;
    static auto wire_fields(auto& m) { return Fields() & m.hash_first & m.exit_code & m.level; }
};

Finding own_finding(const RunOptions& options, const OpenedModel& model) {
    Finding finding;
    finding.exit_code = model.exit_code;
    finding.problem = model.problem;
    if (!options.problem.empty()) {
        finding.exit_code = static_cast<std::int32_t>(ExitCode::bad_input);
        finding.problem = options.problem;
    }
    finding.scenario_hash =
        options.scenario_hash ? *options.scenario_hash : hash_of(*options.scenario);
    finding.kernels = kernel_offer(options.level, options.level_requested);
    if (finding.exit_code == 0) {
        try {
            finding.copy = model_copy_at(options.scenario->model_file);
        } catch (const Error& error) {
            finding.exit_code = static_cast<std::int32_t>(error.code());
            finding.problem = error.what();
        }
    }
    return finding;
}

/// Returns one line per different problem, which names the devices unless all have it.
std::string problems_text(
    const std::vector<Finding>& findings, std::span<const std::string> hosts
) {
    std::vector<std::string> problems; // ordered by the first device that has it
    for (const Finding& finding : findings) {
        if (finding.exit_code != 0 &&
            std::find(problems.begin(), problems.end(), finding.problem) == problems.end()) {
            problems.push_back(finding.problem);
        }
    }
    std::string text;
    bool some_are_fine = false;
    for (const std::string& problem : problems) {
        DeviceList devices;
        for (std::size_t d = 0; d < findings.size(); ++d) {
            if (findings[d].exit_code == 0) {
                some_are_fine = true;
            } else if (findings[d].problem == problem) {
                devices.push_back(d);
            }
        }
        text += text.empty() ? "" : "\n";
        if (devices.size() < findings.size()) {
            text += fmt::format("on {}: ", fleet_text(hosts, devices));
        }
        text += problem;
    }
    if (some_are_fine) {
        text += "\n  every host needs its own copy of the model at the same path, and must run "
                "the kernels that were asked for";
    }
    return text;
}

/// Returns a sentence about the devices with another scenario than rank 0's, or "".
std::string scenario_difference(
    const std::vector<Finding>& findings, std::span<const std::string> hosts
) {
    DeviceList others;
    for (std::size_t d = 0; d < findings.size(); ++d) {
        if (findings[d].scenario_hash != findings.front().scenario_hash) {
            others.push_back(d);
        }
    }
    return others.empty()
               ? ""
               : fmt::format(
                     "{} would run another scenario than device 0: give all devices the same one",
                     fleet_text(hosts, others)
                 );
}

void refuse(ModelAgreement& agreement, std::string problem) {
    agreement.exit_code = static_cast<int>(ExitCode::bad_input);
    agreement.message = std::move(problem);
}

/// Rank 0: returns whether all devices can take part in the run, and the kernel level.
ModelAgreement check_findings(
    const std::vector<Finding>& findings, std::span<const std::string> hosts
) {
    ModelAgreement agreement;
    const auto failed = std::find_if(findings.begin(), findings.end(), [](const Finding& f) {
        return f.exit_code != 0;
    });
    if (failed != findings.end()) {
        agreement.exit_code = failed->exit_code;
        agreement.message = problems_text(findings, hosts);
        return agreement;
    }
    if (std::string difference = scenario_difference(findings, hosts); !difference.empty()) {
        refuse(agreement, std::move(difference));
        return agreement;
    }
    std::vector<KernelOffer> offers;
    for (const Finding& finding : findings) {
        offers.push_back(finding.kernels);
    }
    KernelChoice choice = choose_kernels(offers, hosts);
    agreement.level = choice.level;
    agreement.kernels_note = std::move(choice.note);
    if (!choice.problem.empty()) {
        refuse(agreement, std::move(choice.problem));
    }
    return agreement;
}

void answer(comm::Transport& transport, std::size_t device, const FindingAnswer& answer) {
    transport.send(DeviceId(device), comm::Tag::setup, pack(answer), kFindingsWait);
}

FindingAnswer receive_answer(comm::Transport& transport) {
    return unpack<FindingAnswer>(
        transport.receive_any_size(DeviceId(0), comm::Tag::setup, kFindingsWait)
    );
}

/// Reads a whole model file, which can take minutes. Throws InterruptedError after a signal.
model::FileScan read_whole(const model::GgufFile& file, const comm::Transport& transport) {
    return model::scan_file(file, [&] { throw_if_stopped(transport.options().interrupted); });
}

/// Rank 0: has each file hashed once, different files at the same time, and compares the hashes.
void compare_copies(
    const model::GgufFile& file,
    std::vector<ModelCopy> copies,
    std::span<const std::string> hosts,
    comm::Transport& transport,
    ModelAgreement& agreement
) {
    const DeviceList hashing = hashing_devices(copies); // device 0 is always the first of its file
    for (std::size_t i = 1; i < hashing.size(); ++i) {
        answer(transport, hashing[i], {true, 0, agreement.level});
    }
    model::FileScan own = read_whole(file, transport);
    agreement.model_hash = copies.front().hash = std::move(own.hash);
    for (std::size_t i = 1; i < hashing.size(); ++i) {
        copies[hashing[i]].hash = unpack<std::string>(
            transport.receive_any_size(DeviceId(hashing[i]), comm::Tag::setup, kHashing)
        );
    }
    if (std::string difference = difference_of_copies(copies, hosts); !difference.empty()) {
        refuse(agreement, std::move(difference));
    } else if (!own.problem.empty()) {
        refuse(agreement, std::move(own.problem)); // all copies are the same
    }
}

ModelAgreement run_rank_0(
    const RunOptions& options, const OpenedModel& model, Finding own, comm::Transport& transport
) {
    std::vector<Finding> findings{std::move(own)};
    std::vector<ModelCopy> copies{findings.front().copy};
    for (std::size_t d = 1; d < transport.size(); ++d) {
        findings.push_back(unpack<Finding>(
            transport.receive_any_size(DeviceId(d), comm::Tag::setup, kFindingsWait)
        ));
        copies.push_back(findings.back().copy);
    }
    ModelAgreement agreement = check_findings(findings, options.hosts);
    if (agreement.exit_code == 0) {
        compare_copies(*model.file, std::move(copies), options.hosts, transport, agreement);
    }
    for (std::size_t d = 1; d < transport.size(); ++d) {
        answer(transport, d, {false, agreement.exit_code, agreement.level});
    }
    return agreement;
}

ModelAgreement run_other_rank(
    const OpenedModel& model, const Finding& own, comm::Transport& transport
) {
    transport.send(DeviceId(0), comm::Tag::setup, pack(own), kFindingsWait);
    FindingAnswer answer = receive_answer(transport);
    if (answer.hash_first) {
        const std::string hash = read_whole(*model.file, transport).hash;
        transport.send(DeviceId(0), comm::Tag::setup, pack(hash), kHashing);
        answer = receive_answer(transport);
    }
    ModelAgreement agreement;
    agreement.exit_code = answer.exit_code;
    agreement.level = answer.level;
    return agreement;
}

} // namespace

std::uint64_t hash_of(const config::Scenario& scenario) {
    const std::string text = config::resolved_text(scenario);
    return model::content_hash(std::as_bytes(std::span(text)));
}

ModelAgreement agree_on_model(
    const RunOptions& options, const OpenedModel& model, comm::Transport& transport
) {
    Finding own = own_finding(options, model);
    return transport.self() == DeviceId(0) ? run_rank_0(options, model, std::move(own), transport)
                                           : run_other_rank(model, own, transport);
}

} // namespace headroom::runtime
