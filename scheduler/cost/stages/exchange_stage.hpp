// StepDelay for a stage in which the devices with groups exchange sums of squares between the two
// parts of their groups (timing/program.hpp). The messages are timed one by one, in the order of
// the programs; without caps, message overheads and shared media the order makes no difference.
// Only step_cost.cpp uses this header.
#pragma once

#include <cstddef>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/media.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// The groups of one layer, from x on the activation device to their outputs at the target, the
/// device of proj or of the hub. Of the links, only those from the activation device and those to
/// the target carry more than one message.
class StepDelay::ExchangeStage {
  public:
    /// Keeps references to both. Precondition: step.exchanges(shape).
    ExchangeStage(
        const StepDelay& step,
        std::size_t layer,
        std::size_t activation_device,
        const LayerShape& shape
    );

    /// Returns when the target has x and all outputs, if x is sent at time 0.
    [[nodiscard]] Nanoseconds run();
    /// Returns when each device with groups has the sums of all devices; 0 for other devices.
    [[nodiscard]] std::vector<Nanoseconds> sums_complete();

  private:
    /// A message on its way.
    struct Sent {
        Nanoseconds first_byte = 0; ///< when it begins to arrive
        Nanoseconds arrival = 0;    ///< when it has arrived if the receiver has no cap
        Nanoseconds ingress = 0;    ///< its time on the receiver's ingress
    };

    /// What one call needs. Searches call a hundred thousand times, so that it is kept.
    struct Scratch {
        std::vector<std::size_t> holders;      ///< the devices with groups, by increasing number
        std::vector<Nanoseconds> clocks;       ///< [device]
        std::vector<Nanoseconds> egress_free;  ///< [device]
        std::vector<Nanoseconds> ingress_free; ///< [device]
        std::vector<Nanoseconds> from_a_free;  ///< [device]: the link from the activation device
        std::vector<Nanoseconds> to_p_free;    ///< [device]: the link to the target
        std::vector<Sent> sums;                ///< [holder][holder]
        MediumEnds inputs;
        MediumEnds exchange;
        MediumEnds outputs;
    };
    static Scratch& scratch_of_thread();

    void list_phases();
    void send_inputs();
    void compute_products();
    void exchange_sums();
    void collect_outputs();
    void receive_x();
    void advance_to_sums();
    [[nodiscard]] std::int32_t medium(std::size_t d) const;
    [[nodiscard]] Sent send(std::size_t from, std::size_t to, Bytes bytes, const MediumEnds& phase);
    [[nodiscard]] Sent send(std::size_t from, std::size_t to, Bytes bytes, MediaShares shares);
    void receive(const Sent& sent, std::size_t to);

    const StepDelay& step_;
    std::size_t layer_;
    std::size_t a_; ///< the activation device
    std::size_t p_; ///< the target
    const std::int32_t* counts_;
    Scratch& scratch_;
    Sent x_;
    bool has_x_; ///< whether the target has received x
};

} // namespace headroom::scheduler
