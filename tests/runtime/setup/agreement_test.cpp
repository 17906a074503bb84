// The agreement of devices on different hosts before a run: the same scenario, the same model
// contents, and kernels that give the same bits.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "runtime/setup/host_text.hpp"
#include "runtime/setup/kernel_agreement.hpp"
#include "runtime/setup/model_copies.hpp"
#include "support/fleet_run.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

using kernels::Level;
using runtime::DeviceList;
using runtime::KernelChoice;
using runtime::KernelOffer;
using runtime::ModelCopy;
using testing::AllOf;
using testing::HasSubstr;

using Offers = std::vector<KernelOffer>;
using Hosts = std::vector<std::string>;

// --- kernels ---

/// Returns an offer that some machine could make, with or without a request of its user.
KernelOffer random_offer(Random& random) {
    constexpr Level kOwn[] = {Level::reference, Level::avx2, Level::avx512};
    KernelOffer offer;
    const auto best = static_cast<std::size_t>(random.below(3));
    offer.without_openblas = kOwn[best];
    const std::string cores[] = {"", "Haswell", "SkylakeX"};
    offer.openblas_core = cores[random.below(3)];
    const bool openblas = !offer.openblas_core.empty();
    offer.level = offer.without_openblas == Level::reference && openblas ? Level::openblas
                                                                         : offer.without_openblas;
    offer.requested = random.below(6) == 0;
    if (offer.requested) {
        offer.level =
            openblas && random.below(2) == 0 ? Level::openblas : kOwn[random.below(best + 1)];
    }
    return offer;
}

Offers random_offers(std::uint64_t seed) {
    Random random(stream_seed(seed, "offers"));
    Offers offers(1 + random.below(5));
    for (KernelOffer& offer : offers) {
        offer = random_offer(random);
        // Fleets of equal devices are common, so the test has many of them.
        offer = random.below(2) == 0 ? offers.front() : offer;
    }
    return offers;
}

bool is_openblas_requested(const KernelOffer& offer) {
    return offer.requested && offer.level == Level::openblas;
}

/// Returns why the level is wrong for these devices, or "".
std::string fault(const Offers& offers, Level level) {
    const std::string& core = offers.front().openblas_core;
    for (const KernelOffer& offer : offers) {
        if (level == Level::openblas) {
            if (offer.openblas_core.empty() || offer.openblas_core != core) {
                return "devices would compute different bits, or cannot";
            }
            if (offer.requested && offer.level != Level::openblas) {
                return "another level was requested on a device";
            }
        } else if (is_openblas_requested(offer)) {
            return "openblas was requested on a device";
        } else if (level > (offer.requested ? offer.level : offer.without_openblas)) {
            return "a device cannot or must not";
        }
    }
    return "";
}

/// A wrong choice: the lowest number of the enumeration.
Level lowest_number(const Offers& offers) {
    Level level = Level::avx512;
    for (const KernelOffer& offer : offers) {
        level = std::min(level, offer.level);
    }
    return level;
}

TEST(Kernels, chosen_for_any_devices_run_on_all_of_them_with_the_same_bits) {
    int refused = 0;
    int mixed = 0;
    int lowest_is_wrong = 0;
    for (std::uint64_t seed = 0; seed < 20000; ++seed) {
        const Offers offers = random_offers(seed);
        const KernelChoice choice = runtime::choose_kernels(offers, {});
        if (!choice.problem.empty()) {
            ++refused;
            ASSERT_TRUE(std::any_of(offers.begin(), offers.end(), is_openblas_requested)) << seed;
            ASSERT_NE(fault(offers, Level::openblas), "") << seed;
            continue;
        }
        ASSERT_EQ(fault(offers, choice.level), "") << seed;
        mixed += choice.note.empty() ? 0 : 1;
        lowest_is_wrong += fault(offers, lowest_number(offers)).empty() ? 0 : 1;
    }
    EXPECT_GT(refused, 100);
    EXPECT_GT(mixed, 100);
    EXPECT_GT(lowest_is_wrong, 100) << "the property must see a rule that is wrong";
}

TEST(Kernels, are_the_best_that_all_devices_have) {
    for (std::uint64_t seed = 0; seed < 5000; ++seed) {
        const Offers offers = random_offers(seed);
        const KernelChoice choice = runtime::choose_kernels(offers, {});
        for (const Level better : {Level::avx2, Level::avx512}) {
            if (choice.problem.empty() && choice.level != Level::openblas &&
                better > choice.level) {
                ASSERT_NE(fault(offers, better), "") << seed;
            }
        }
    }
}

TEST(Kernels, do_not_depend_on_the_order_of_devices) {
    for (std::uint64_t seed = 0; seed < 5000; ++seed) {
        Offers offers = random_offers(seed);
        const KernelChoice choice = runtime::choose_kernels(offers, {});
        std::rotate(offers.begin(), offers.begin() + 1, offers.end());
        const KernelChoice other = runtime::choose_kernels(offers, {});
        ASSERT_EQ(choice.problem.empty(), other.problem.empty()) << seed;
        ASSERT_EQ(choice.level, other.level) << seed;
        ASSERT_EQ(choice.note.empty(), other.note.empty()) << seed;
    }
}

const KernelOffer kNew{Level::avx512, false, Level::avx512, "SkylakeX"};
const KernelOffer kOld{Level::avx2, false, Level::avx2, "Haswell"};
const KernelOffer kOpenblasRequested{Level::openblas, true, Level::avx512, "SkylakeX"};

TEST(Kernels, one_device_with_requested_openblas_decides_for_devices_without_a_request) {
    const Offers offers{kNew, kOpenblasRequested, kNew};
    const KernelChoice choice = runtime::choose_kernels(offers, {});
    EXPECT_EQ(choice.level, Level::openblas);
    EXPECT_EQ(choice.problem, "");
}

TEST(Kernels, notes_and_problems_name_hosts_and_devices) {
    const Hosts hosts{"alpha", "beta", "alpha"};
    EXPECT_EQ(
        runtime::choose_kernels(Offers{kNew, kOld, kNew}, hosts).note,
        "avx2 kernels on all devices, the most that host beta (device 1) offers; avx512 would run "
        "on host alpha (devices 0, 2)"
    );
    EXPECT_EQ(runtime::choose_kernels(Offers{kOld, kOld, kOld}, hosts).note, "");
    EXPECT_THAT(
        runtime::choose_kernels(Offers{kOpenblasRequested, kOld, kNew}, hosts).problem,
        AllOf(HasSubstr("SkylakeX there"), HasSubstr("Haswell on host beta (device 1)"))
    );
    KernelOffer without = kOld;
    without.openblas_core.clear();
    EXPECT_THAT(
        runtime::choose_kernels(Offers{kOpenblasRequested, without, kNew}, hosts).problem,
        HasSubstr("host beta (device 1) cannot")
    );
    without.requested = true;
    EXPECT_THAT(
        runtime::choose_kernels(Offers{kOpenblasRequested, without, kNew}, hosts).problem,
        HasSubstr("host beta (device 1) must not")
    );
}

TEST(Kernels, offered_here_run_here) {
    const KernelOffer offer = runtime::kernel_offer(kernels::best_level(), false);
    EXPECT_TRUE(kernels::available(offer.without_openblas));
    EXPECT_EQ(!offer.openblas_core.empty(), kernels::available(Level::openblas));
    EXPECT_EQ(runtime::choose_kernels(Offers{offer}, {}).level, kernels::best_level());
}

// --- copies of the model ---

/// Returns copies on three machines with few different contents. Some machines are unknown.
std::vector<ModelCopy> random_copies(std::uint64_t seed, std::vector<std::string>& contents) {
    Random random(stream_seed(seed, "copies"));
    std::vector<ModelCopy> copies(1 + random.below(8));
    for (ModelCopy& copy : copies) {
        copy.path = "/m";
        copy.machine = random.below(8) == 0 ? "" : fmt::format("machine {}", random.below(3));
        copy.volume = random.below(2);
        copy.file = random.below(2);
        // The hash depends only on the file and is the same for most files.
        const std::uint64_t file =
            stream_seed(seed, "file " + copy.machine, copy.volume, copy.file);
        contents.push_back(random_below(file, 0, 8) == 0 ? "damaged" : "right");
    }
    return copies;
}

TEST(Copies, every_file_is_hashed_once_and_every_difference_is_found) {
    int different = 0;
    for (std::uint64_t seed = 0; seed < 5000; ++seed) {
        std::vector<std::string> contents;
        std::vector<ModelCopy> copies = random_copies(seed, contents);
        const DeviceList who = runtime::hashing_devices(copies);
        ASSERT_EQ(who.front(), 0U);
        for (const std::size_t d : who) {
            copies[d].hash = "hash of " + contents[d];
        }
        for (std::size_t d = 0; d < copies.size(); ++d) {
            const auto of_this_file = std::count_if(who.begin(), who.end(), [&](std::size_t w) {
                return copies[w].machine == copies[d].machine &&
                       copies[w].volume == copies[d].volume && copies[w].file == copies[d].file;
            });
            ASSERT_GE(of_this_file, 1);
            ASSERT_TRUE(of_this_file == 1 || copies[d].machine.empty()) << seed;
        }
        const bool same = std::count(contents.begin(), contents.end(), contents.front()) ==
                          static_cast<std::ptrdiff_t>(contents.size());
        different += same ? 0 : 1;
        ASSERT_EQ(runtime::difference_of_copies(copies, {}).empty(), same) << seed;
    }
    EXPECT_GT(different, 100);
}

TEST(Copies, errors_name_host_file_and_remedy) {
    const Hosts hosts{"alpha", "alpha", "beta"};
    std::vector<ModelCopy> copies(3, ModelCopy{"/m/x.gguf", "a", 1, 1, 100, ""});
    copies[2] = {"/m/x.gguf", "b", 1, 1, 100, "f00d"};
    copies[0].hash = "cafe";
    EXPECT_EQ(
        runtime::difference_of_copies(copies, hosts),
        "the model file is not the same everywhere:\n"
        "  host alpha (devices 0-1): /m/x.gguf, 100 bytes, hash cafe\n"
        "  host beta (device 2): /m/x.gguf, 100 bytes, hash f00d\n"
        "  copy the right one over the others (xxhsum -H1 FILE prints this hash)"
    );
}

TEST(Copies, at_one_path_and_at_links_to_it_count_as_one_file) {
    const auto path = support::temporary_path("copies.gguf");
    const auto link = support::temporary_path("copies-link.gguf");
    const auto other = support::temporary_path("copies-other.gguf");
    support::write_tiny_model(path, support::tiny_shape());
    std::filesystem::create_symlink(path, link);
    std::filesystem::copy_file(path, other);
    EXPECT_EQ(
        runtime::hashing_devices(std::vector{
            runtime::model_copy_at(path),
            runtime::model_copy_at(link),
            runtime::model_copy_at(other)}),
        (DeviceList{0, 2})
    );
}

// --- texts about hosts ---

TEST(HostText, is_short_for_many_devices) {
    EXPECT_EQ(runtime::devices_text({3}), "device 3");
    EXPECT_EQ(runtime::devices_text({0, 1, 2, 5, 7, 8}), "devices 0-2, 5, 7-8");
    const Hosts hosts{"b", "b", "a", "b"};
    EXPECT_EQ(runtime::hosts_text(hosts), "b (devices 0-1, 3), a (device 2)");
    EXPECT_EQ(runtime::fleet_text(hosts, {2, 3}), "host a (device 2), host b (device 3)");
    EXPECT_EQ(runtime::fleet_text({}, {2, 3}), "devices 2-3");
    EXPECT_EQ(runtime::hosts_text(Hosts{"a", "a"}), "a");
}

// --- the whole agreement ---

using Change = std::function<void(std::size_t device, runtime::RunOptions&)>;

struct Together {
    std::vector<int> codes; ///< per device
    std::string message;
    trace::Trace trace;
};

/// Three devices with different options.
Together run_changed(const config::Scenario& scenario, const Change& change) {
    Together run;
    run.codes.resize(scenario.fleet.size());
    trace::MemorySink sink;
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    comm::InprocessFleet fleet(scenario.fleet.size());
    fleet.run([&](comm::Transport& transport) {
        const std::size_t self = transport.self().index();
        runtime::RunOptions options;
        options.scenario = &scenario;
        options.level = kernels::best_level();
        if (self == 0) {
            options.policy = policy.get();
            options.sink = &sink;
            options.hosts = {"alpha", "beta", "gamma"};
        }
        change(self, options);
        const runtime::RunOutcome outcome = runtime::run_device(options, transport);
        run.codes[self] = outcome.exit_code;
        if (self == 0) {
            run.message = outcome.message;
        }
    });
    if (run.message.empty()) {
        run.trace = trace::trace_of(sink);
    }
    return run;
}

class Agreement : public testing::Test {
  protected:
    Agreement() {
        model_ = support::temporary_path("agreement.gguf");
        support::write_tiny_model(model_, support::tiny_shape());
        support::FleetText text;
        text.model = model_;
        scenario_ = support::make_scenario(text);
        other_ = scenario_;
    }

    /// Makes device 1 run other_.
    Together run_with_other() {
        return run_changed(scenario_, [&](std::size_t device, runtime::RunOptions& options) {
            options.scenario = device == 1 ? &other_ : &scenario_;
        });
    }

    std::filesystem::path model_;
    config::Scenario scenario_;
    config::Scenario other_;
};

const std::vector<int> kAllRefuse{2, 2, 2};
const std::vector<int> kAllFine{0, 0, 0};

TEST_F(Agreement, accepts_copies_at_different_paths_with_the_same_contents) {
    other_.model_file = support::temporary_path("agreement-copy.gguf");
    std::filesystem::copy_file(
        model_, other_.model_file, std::filesystem::copy_options::overwrite_existing
    );
    EXPECT_EQ(run_with_other().codes, kAllFine);
}

TEST_F(Agreement, fails_on_all_devices_if_one_has_other_contents) {
    other_.model_file = support::temporary_path("agreement-other.gguf");
    model::test::TinyShape shape = support::tiny_shape();
    shape.ffn_width = 64;
    support::write_tiny_model(other_.model_file, shape);
    const Together run = run_with_other();
    EXPECT_EQ(run.codes, kAllRefuse);
    EXPECT_THAT(
        run.message,
        AllOf(
            HasSubstr("host alpha (device 0), host gamma (device 2): " + model_.string()),
            HasSubstr("host beta (device 1): " + other_.model_file.string())
        )
    );
}

TEST_F(Agreement, fails_if_one_would_run_another_scenario) {
    other_.seed += 1;
    const Together run = run_with_other();
    EXPECT_EQ(run.codes, kAllRefuse);
    EXPECT_THAT(run.message, HasSubstr("host beta (device 1) would run another scenario"));
}

TEST_F(Agreement, problems_of_all_devices_are_reported_together) {
    const Together run =
        run_changed(scenario_, [&](std::size_t device, runtime::RunOptions& options) {
            options.problem = device == 0 ? "" : "no such kernels";
        });
    EXPECT_EQ(run.codes, kAllRefuse);
    EXPECT_THAT(
        run.message, HasSubstr("on host beta (device 1), host gamma (device 2): no such kernels")
    );
}

TEST_F(Agreement, on_a_lower_level_changes_no_number_of_the_run) {
    const auto lower = [](std::size_t device, runtime::RunOptions& options) {
        if (device == 2) {
            options.level = Level::reference;
            options.level_requested = true;
        }
    };
    const Together mixed = run_changed(scenario_, lower);
    const Together best = run_changed(scenario_, [](std::size_t, runtime::RunOptions&) {});
    EXPECT_EQ(mixed.trace.header.attributes.at("kernels"), "reference");
    ASSERT_EQ(mixed.trace.intervals.size(), best.trace.intervals.size());
    if (!kernels::available(Level::avx2)) {
        GTEST_SKIP() << "this CPU has no higher level with the same bits";
    }
    EXPECT_THAT(
        mixed.trace.header.attributes.at("kernels_note"), HasSubstr("host gamma (device 2) offers")
    );
    EXPECT_FALSE(best.trace.header.attributes.contains("kernels_note"));
    for (std::size_t i = 0; i < best.trace.intervals.size(); ++i) {
        const auto& a = mixed.trace.intervals[i].tokens;
        const auto& b = best.trace.intervals[i].tokens;
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t t = 0; t < a.size(); ++t) {
            EXPECT_EQ(a[t].logits_checksum, b[t].logits_checksum);
        }
    }
}

} // namespace
} // namespace headroom
