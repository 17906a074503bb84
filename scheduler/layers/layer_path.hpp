// Shortest paths over (layer, device). The nodes are arranged in rows of one node per device, for
// instance the devices that may hold x (the residual stream) after each layer. Edges lead from each
// node of a row to each node of the next row; a function gives their lengths. Rows are computed one
// by one, forward from the first row or backward from the last one. Paths are not stored: the node
// before or after a node is found again from the times.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace headroom::scheduler {

/// The length of the shortest path to each node (forward) or from each node (backward). `Time` is
/// Nanoseconds, Int128 or double.
template <class Time>
class LayerPaths {
  public:
    /// Starts with no node reachable. `none` is the time of a node that is not reachable; the sum
    /// of two such times must not overflow, and no path may take as long as `none`.
    LayerPaths(std::size_t rows, std::size_t devices, Time none)
        : devices_(devices), none_(none), time_(rows * devices, none) {}

    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] Time none() const { return none_; }
    [[nodiscard]] Time& at(std::size_t row, std::size_t j) { return time_[row * devices_ + j]; }
    [[nodiscard]] const Time& at(std::size_t row, std::size_t j) const {
        return time_[row * devices_ + j];
    }
    [[nodiscard]] bool reaches(std::size_t row, std::size_t j) const { return at(row, j) < none_; }

    /// Computes the row from the row before it. edge(from, to) is the length of an edge, at least
    /// `none` if there is no such edge.
    template <class Edge>
    void forward(std::size_t row, const Edge& edge) {
        for (std::size_t to = 0; to < devices_; ++to) {
            at(row, to) = none_;
        }
        for (std::size_t from = 0; from < devices_; ++from) {
            const Time so_far = at(row - 1, from);
            for (std::size_t to = 0; so_far < none_ && to < devices_; ++to) {
                at(row, to) = std::min<Time>(at(row, to), so_far + edge(from, to));
            }
        }
    }

    /// Computes the row from the row after it.
    template <class Edge>
    void backward(std::size_t row, const Edge& edge) {
        for (std::size_t from = 0; from < devices_; ++from) {
            at(row, from) = none_;
        }
        for (std::size_t to = 0; to < devices_; ++to) {
            const Time rest = at(row + 1, to);
            for (std::size_t from = 0; rest < none_ && from < devices_; ++from) {
                at(row, from) = std::min<Time>(at(row, from), edge(from, to) + rest);
            }
        }
    }

    /// Returns the device with the least time + extra(device) in a row, the first of equal ones.
    template <class Extra>
    [[nodiscard]] std::size_t least(std::size_t row, const Extra& extra) const {
        std::size_t best = 0;
        Time least = at(row, 0) + extra(0);
        for (std::size_t j = 1; j < devices_; ++j) {
            const Time time = at(row, j) + extra(j);
            best = time < least ? j : best;
            least = std::min(least, time);
        }
        return best;
    }

    /// Returns the device in the row before from which the shortest path comes to `to`.
    template <class Edge>
    [[nodiscard]] std::size_t before(std::size_t row, std::size_t to, const Edge& edge) const {
        return least(row - 1, [&](std::size_t from) { return edge(from, to); });
    }
    /// Returns the device in the row after to which the shortest path from `from` goes.
    template <class Edge>
    [[nodiscard]] std::size_t after(std::size_t row, std::size_t from, const Edge& edge) const {
        return least(row + 1, [&](std::size_t to) { return edge(from, to); });
    }

  private:
    std::size_t devices_;
    Time none_;
    std::vector<Time> time_; ///< [row][device]
};

} // namespace headroom::scheduler
