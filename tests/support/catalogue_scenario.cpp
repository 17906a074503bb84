#include "support/catalogue_scenario.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/random.hpp"
#include "config/scenario/weight_mixture.hpp"
#include "config/sections/catalogue.hpp"
#include "scheduler/core/blocks.hpp"
#include "support/draws.hpp"

namespace headroom::support {

namespace {

using config::DeviceProfile;
using scheduler::Blocks;

constexpr std::int64_t kMostDevices = 12;
constexpr int kMostTries = 1000;

/// What the fleet has to hold.
struct Demand {
    Bytes weights = 0; ///< of all blocks
    Bytes ends = 0;    ///< of embed and lm_head, which the source holds if they are pinned
    Bytes caches = 0;  ///< KV caches of all sequences at their full lengths
    Bytes buffers = 0; ///< on each device that holds a block
};

class Writer {
  public:
    explicit Writer(std::uint64_t seed) : seed_(seed), random_(stream_seed(seed, "catalogue")) {}

    std::string write() {
        draw_model();
        draw_workload();
        draw_controller();
        draw_fitting_fleet();
        // Text by text, because the order in which arguments are evaluated is not defined.
        std::string text = fmt::format(
            "seed = {}\n[model]\npreset = \"{}\"\nweight_type = \"{}\"\nkv_type = \"f32\"\n",
            seed_,
            model_->name,
            type_
        );
        text += "[workload]\n" + workload_ + "[controller]\n" + controller_ + fleet_text();
        text += devices_text();
        text += network_text();
        text += events_text();
        return text;
    }

  private:
    void draw_model() { model_ = &config::model_presets()[seed_ % config::model_presets().size()]; }

    void draw_workload() {
        throughput_ = one_in(random_, 2);
        constexpr std::int64_t kSequences[] = {2, 2, 3, 4, 6, 8, 12, 16};
        sequences_ = throughput_ || one_in(random_, 4) ? any_of(random_, kSequences) : 1;
        interval_ = any_of(random_, std::to_array<std::int64_t>({1, 4, 16, 64, 256}));
        const bool is_long = model_->shape.context >= 4096 && one_in(random_, 4);
        longest_ = is_long ? 2000 : 256;
        tokens_ = log_between(random_, 8, 400);
        chunk_ = is_long || one_in(random_, 3) ? 16 << random_.below(4) : 0;
        std::vector<std::int64_t> prompts;
        const std::int64_t waiting =
            sequences_ > 1 && one_in(random_, 2) ? between(random_, 1, 3) : 0;
        for (std::int64_t i = 0; i < sequences_ + waiting; ++i) {
            prompts.push_back(log_between(random_, 1, static_cast<double>(longest_)));
        }
        workload_ = fmt::format(
            "prompt_tokens = [{}]\ntokens = {}\nsequences = {}\n{}",
            fmt::join(prompts, ", "),
            tokens_,
            sequences_,
            chunk_ > 0 ? fmt::format("prefill_chunk = {}\n", chunk_) : ""
        );
    }

    void draw_controller() {
        controller_ = fmt::format("interval = {}\n", interval_);
        if (one_in(random_, 2)) {
            constexpr std::int32_t kSlices[] = {4, 8, 16, 16, 32};
            const scheduler::Cut cut{scheduler::Granularity::sliced, any_of(random_, kSlices)};
            if (cut.problems(model_->shape).empty()) { // experts cannot be cut
                cut_ = cut;
                controller_ += fmt::format("granularity = \"sliced\"\nslices = {}\n", cut.slices);
            }
        }
        controller_ += fmt::format("objective = \"{}\"\n", throughput_ ? "throughput" : "latency");
        if (sequences_ > 1 && one_in(random_, 4)) {
            controller_ += fmt::format("batch = {}\n", between(random_, 1, sequences_));
        }
        everywhere_ = one_in(random_, 8);
        controller_ += everywhere_ ? "weights = \"everywhere\"\n" : "";
        controller_ += one_in(random_, 8) ? "look_ahead = true\n" : "";
        const bool reserve = one_in(random_, 4);
        constexpr std::string_view kReserves[] = {"0.0", "0.05", "0.1", "0.2", "0.3"};
        controller_ += fmt::format(
            "memory_window = \"{} s\"\nmemory_reserve = {}\n",
            reserve ? 60 : 0,
            reserve ? any_of(random_, kReserves) : kReserves[0]
        );
        pinned_ = !one_in(random_, 4);
    }

    [[nodiscard]] Demand demand(WeightType type) const {
        ModelShape shape = model_->shape;
        config::set_types(shape, type);
        const Blocks blocks(shape, cut_);
        const scheduler::Placement placement(blocks.size(), DeviceId(0));
        const std::int64_t length = longest_ + tokens_ + interval_;
        Demand demand;
        for (std::size_t b = 0; b < blocks.size(); ++b) {
            demand.weights += blocks.weight_bytes(BlockId(b), placement);
            demand.caches += blocks.cache_bytes(BlockId(b), length) * sequences_;
        }
        demand.ends = blocks.weight_bytes(blocks.embed(), placement) +
                      blocks.weight_bytes(blocks.lm_head(), placement);
        demand.buffers = scheduler::buffer_bytes(
            shape,
            {chunk_ > 0 ? chunk_ : longest_, sequences_, std::min<std::int64_t>(16, sequences_)},
            cut_
        );
        return demand;
    }

    /// Draws weight types and devices until the model fits, and chooses the source.
    void draw_fitting_fleet() {
        constexpr std::string_view kTypes[] = {
            "q4_0", "q4_0", "q4_0", "q8_0", "q8_0", "f16", "f16", "bf16", "f32"};
        for (int i = 0; i < kMostTries; ++i) {
            type_ = any_of(random_, kTypes);
            draw_devices();
            const auto* const format =
                std::ranges::find(kWeightFormats, type_, &WeightFormat::name);
            if (fits(demand(format->type))) {
                return;
            }
        }
        HEADROOM_CHECK(false, "seed {}: {} fits no drawn fleet", seed_, model_->name);
    }

    /// Draws 2 to 12 devices of 1 to 4 kinds.
    void draw_devices() {
        std::vector<const DeviceProfile*> kinds;
        for (std::int64_t n = between(random_, 1, 4); n > 0; --n) {
            kinds.push_back(&any_of(random_, config::device_profiles()));
        }
        devices_.clear();
        for (std::int64_t n = between(random_, 2, kMostDevices); n > 0; --n) {
            devices_.push_back(any_of(random_, kinds));
        }
    }

    /// Returns whether the demand fits. Sets the scale of the memory, so that a third of the fleets
    /// have little more than they need, and the source.
    bool fits(const Demand& demand) {
        const Bytes needed = demand.weights + demand.caches;
        Bytes room = 0;
        Bytes memory = 0;
        for (const DeviceProfile* const device : devices_) {
            memory += device->memory;
            room += std::max<Bytes>(0, device->memory - demand.buffers);
        }
        if (room < needed + needed / 20) {
            return false;
        }
        memory_percent_ = 100;
        if (one_in(random_, 3)) {
            const Bytes wanted = needed / 100 * between(random_, 103, 140) +
                                 demand.buffers * static_cast<Bytes>(devices_.size());
            memory_percent_ = std::min<std::int64_t>(100, 1 + wanted * 100 / memory);
        }
        choose_source(demand);
        return true;
    }

    void choose_source(const Demand& demand) {
        source_ = random_.below(devices_.size());
        for (std::size_t i = 0; i < devices_.size() && pinned_; ++i) {
            const Bytes memory = devices_[source_]->memory / 100 * memory_percent_;
            if (memory > demand.ends + demand.buffers) {
                return;
            }
            source_ = (source_ + 1) % devices_.size();
        }
        pinned_ = false;
    }

    [[nodiscard]] std::string fleet_text() const {
        return fmt::format(
            "ends = \"{}\"\n[fleet]\nmemory_scale = {:.2f}\n",
            pinned_ ? "source" : "anywhere",
            static_cast<double>(memory_percent_) / 100
        );
    }

    std::string load_text(std::int64_t most_percent) {
        const double high = static_cast<double>(between(random_, 10, most_percent)) / 100;
        switch (random_.below(3)) {
        case 0:
            return fmt::format("{:.2f}", high);
        case 1:
            return fmt::format(
                "{{ kind = \"uniform\", low = 0.0, high = {:.2f}, period = \"1 s\" }}", high
            );
        default:
            return fmt::format(
                "{{ kind = \"walk\", low = 0.0, high = {:.2f}, step = 0.05, period = \"1 s\" }}",
                high
            );
        }
    }

    std::string devices_text() {
        const bool loads = one_in(random_, 3);
        const bool memory_loads = memory_percent_ == 100 && one_in(random_, 4);
        const bool caps = one_in(random_, 8);
        std::string text;
        for (std::size_t d = 0; d < devices_.size(); ++d) {
            text +=
                fmt::format("[[device]]\nname = \"d{}\"\nprofile = \"{}\"\n", d, devices_[d]->name);
            text += d == source_ ? "source = true\n" : "";
            if (everywhere_ && !devices_[d]->storage_bandwidth) {
                text += "storage_bandwidth = \"100 MB/s\"\n";
            }
            if (loads && one_in(random_, 2)) {
                text += "load = " + load_text(80) + "\n";
            }
            if (memory_loads && one_in(random_, 2)) {
                text += "memory_load = " + load_text(40) + "\n";
            }
            if (caps && one_in(random_, 2)) {
                text += fmt::format("egress = \"{} kbit/s\"\n", log_between(random_, 5e3, 1e6));
                text += fmt::format("ingress = \"{} kbit/s\"\n", log_between(random_, 1e4, 1e6));
            }
        }
        return text;
    }

    /// Returns the keys of a network or a link: those of a preset, or drawn ones.
    std::string link_text() {
        if (one_in(random_, 2)) {
            return fmt::format(
                "preset = \"{}\"\n", any_of(random_, config::network_presets()).name
            );
        }
        const std::int64_t kbit = log_between(random_, 5e3, 1e7);
        const std::int64_t us = log_between(random_, 25, 70e3);
        return fmt::format("bandwidth = \"{} kbit/s\"\nlatency = \"{} us\"\n", kbit, us);
    }

    std::string network_text() {
        std::string text = "[network]\n" + link_text();
        if (one_in(random_, 5)) {
            text += "variation = { kind = \"uniform\", low = 0.0, high = 0.5, period = \"1 s\" }\n";
        }
        const bool away = one_in(random_, 4); // one device is elsewhere, behind other links
        const bool some = !away && one_in(random_, 4);
        const std::size_t far = random_.below(devices_.size());
        const std::string far_link = link_text();
        for (std::size_t to = 1; to < devices_.size(); ++to) {
            for (std::size_t from = 0; from < to; ++from) {
                if ((away && (from == far || to == far)) || (some && one_in(random_, 4))) {
                    text += fmt::format(
                        "[[network.link]]\nfrom = \"d{}\"\nto = \"d{}\"\n{}",
                        from,
                        to,
                        away ? far_link : link_text()
                    );
                }
            }
        }
        return text;
    }

    /// Returns up to two events in the first minute: something becomes slower or smaller.
    std::string events_text() {
        constexpr std::string_view kKinds[] = {
            "compute", "memory_bandwidth", "memory", "memory", "bandwidth"};
        std::string text;
        for (std::uint64_t n = one_in(random_, 2) ? 1 + random_.below(2) : 0; n > 0; --n) {
            const std::string_view kind = any_of(random_, kKinds);
            const std::size_t device = random_.below(devices_.size());
            const std::size_t other = (device + 1) % devices_.size();
            const std::int64_t at = between(random_, 1, 60);
            const std::int64_t percent = between(random_, kind == "memory" ? 50 : 10, 95);
            text += fmt::format(
                "[[event]]\nat = \"{} s\"\n{}\nkind = \"{}\"\nfactor = {:.2f}\n",
                at,
                kind == "bandwidth" ? fmt::format("link = [\"d{}\", \"d{}\"]", device, other)
                                    : fmt::format("device = \"d{}\"", device),
                kind,
                static_cast<double>(percent) / 100
            );
        }
        return text;
    }

    std::uint64_t seed_;
    Random random_;
    const config::ModelPreset* model_ = nullptr;
    std::string_view type_;
    std::string workload_;
    bool throughput_ = false;
    std::int64_t sequences_ = 1;
    std::int64_t interval_ = 1;
    std::int64_t longest_ = 0; ///< the most tokens of a prompt
    std::int64_t tokens_ = 0;
    std::int64_t chunk_ = 0;
    std::string controller_;
    scheduler::Cut cut_{};
    bool everywhere_ = false;
    bool pinned_ = true;
    std::vector<const DeviceProfile*> devices_;
    std::size_t source_ = 0;
    std::int64_t memory_percent_ = 100;
};

} // namespace

std::string catalogue_scenario_text(std::uint64_t seed) {
    return Writer(seed).write();
}

} // namespace headroom::support
