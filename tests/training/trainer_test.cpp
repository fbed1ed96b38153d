// SPDX-License-Identifier: Apache-2.0
#include "trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "augment.hpp"
#include "loader.hpp"
#include "model/model_file.hpp"
#include "start_weights.hpp"
#include "status.hpp"
#include "support/denied_threads.hpp"
#include "tiny_dataset.hpp"

namespace {

using namespace catdog;
using namespace catdog::training;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool equal(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    if (!torch::equal(tensor, b.at(name))) return false;
  }
  return true;
}

class TrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    options_ = tests::prepare_tiny_run(folder_.path());
    at::set_num_threads(1);
  }
  Dataset load() const { return load_dataset(options_); }
  core::Network network() const { return core::parse_network(read(options_.architecture)); }

  // catdog-train as a user starts it. Returns its exit code, or -signal.
  int run_program(const std::vector<std::string>& more, int interrupt_after_ms = 0) const {
    std::vector<std::string> words{CATDOG_TRAIN_PROGRAM,
                                   "--data",
                                   options_.data,
                                   "--architecture",
                                   options_.architecture,
                                   "--output",
                                   options_.output,
                                   "--image-size",
                                   "32",
                                   "--batch-size",
                                   "16",
                                   "--validation",
                                   "0.15",
                                   "--test",
                                   "0.15",
                                   "--threads",
                                   "1"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const std::string log = (folder_.path() / "log.txt").string();
      if (freopen(log.c_str(), "w", stderr) == nullptr || freopen("/dev/null", "w", stdout) == nullptr) _exit(126);
      execv(argv[0], argv.data());
      _exit(127);
    }
    if (interrupt_after_ms > 0) {
      // Not before the first checkpoint exists: the signal is to hit the training loop.
      for (int i = 0; i < 3000 && !fs::exists(options_.output + "/checkpoint.pt"); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(interrupt_after_ms));
      kill(child, SIGINT);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  tests::TemporaryFolder folder_;
  TrainOptions options_;
  std::atomic<bool> go_on_{false};
};

TEST_F(TrainerTest, LearnsStripes) {
  options_.epochs = 20;
  options_.learning_rate = 0.02;
  const Dataset data = load();
  Trainer trainer(data, network(), options_);
  const double before = measure(trainer.predict(Split::test), 1).log_loss;
  ASSERT_EQ(trainer.run(go_on_), Outcome::finished);
  const Metrics after = measure(trainer.predict(Split::test), 1);
  EXPECT_GE(after.accuracy, 0.95);
  EXPECT_LT(after.log_loss, before / 2);
}

TEST_F(TrainerTest, SameSeedSameModelOtherSeedOtherModel) {
  const Dataset data = load();
  const auto train = [&](std::uint64_t seed) {
    options_.seed = seed;
    options_.mixup = 0.2;
    options_.erase = 0.3;
    Trainer trainer(data, network(), options_);
    trainer.run(go_on_);
    return detached_copy(trainer.result());
  };
  const StateDict first = train(5);
  EXPECT_TRUE(equal(first, train(5)));
  EXPECT_FALSE(equal(first, train(6)));
}

TEST_F(TrainerTest, LoaderThreadsDontChangeTheModel) {
  const Dataset data = load();
  const auto train = [&](int loader_threads) {
    options_.loader_threads = loader_threads;
    Trainer trainer(data, network(), options_);
    trainer.run(go_on_);
    return detached_copy(trainer.result());
  };
  EXPECT_TRUE(equal(train(1), train(3)));
}

TEST_F(TrainerTest, ResumeGoesOnExactly) {
  const Dataset data = load();
  StateDict whole;
  {
    Trainer trainer(data, network(), options_);
    trainer.run(go_on_);
    whole = detached_copy(trainer.result());
  }
  fs::remove_all(options_.output);
  fs::create_directories(options_.output);
  std::atomic<bool> stop{true};  // Stops before the first batch, then in the middle of each epoch.
  {
    Trainer trainer(data, network(), options_);
    ASSERT_EQ(trainer.run(stop), Outcome::interrupted);
  }
  options_.resume = true;
  int pieces = 0;
  for (Outcome outcome = Outcome::interrupted; outcome == Outcome::interrupted; ++pieces) {
    ASSERT_LT(pieces, 100);
    stop = false;
    Trainer trainer(data, network(), options_);
    std::jthread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
      stop = true;
    });
    outcome = trainer.run(stop);
    if (outcome == Outcome::finished) {
      EXPECT_TRUE(equal(trainer.result(), whole));
    }
  }
  EXPECT_GT(pieces, 1);
  EXPECT_TRUE(fs::exists(options_.output + "/metrics.jsonl"));
}

TEST_F(TrainerTest, ResumeWithOtherOptionsIsRefused) {
  const Dataset data = load();
  Trainer(data, network(), options_).run(go_on_);
  options_.resume = true;
  options_.learning_rate *= 2;
  Trainer trainer(data, network(), options_);
  EXPECT_THROW(trainer.run(go_on_), core::Failure);
}

TEST_F(TrainerTest, SgdAndCosineTrainToo) {
  options_.optimizer = "sgd";
  options_.schedule = "cosine";
  options_.learning_rate = 0.1;
  options_.epochs = 12;
  const Dataset data = load();
  Trainer trainer(data, network(), options_);
  trainer.run(go_on_);
  EXPECT_GE(measure(trainer.predict(Split::test), 1).accuracy, 0.9);
}

TEST_F(TrainerTest, ProgramWritesModelMetricsAndSplits) {
  ASSERT_EQ(run_program({"--epochs", "2"}), 0) << read(folder_.path() / "log.txt");
  const core::ModelFile model = core::ModelFile::from_file(options_.output + "/best_model.pt");
  EXPECT_THAT(model.config().labels, testing::ElementsAre("cat", "dog"));
  EXPECT_TRUE(model.has_native_part());
  EXPECT_GE(model.config().golden.size(), 4U);
  std::istringstream lines(read(options_.output + "/metrics.jsonl"));
  int epoch = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json.at("epoch"), ++epoch);
    EXPECT_GT(json.at("train_loss").get<double>(), 0);
    EXPECT_GT(json.at("pictures_per_second").get<double>(), 0);
  }
  EXPECT_EQ(epoch, 2);
  EXPECT_FALSE(read(options_.output + "/test.txt").empty());
  const auto json = nlohmann::json::parse(model.config().json);
  EXPECT_EQ(json.at("provenance").at("options").at("epochs"), 2);
}

TEST_F(TrainerTest, ProgramQuantizes) {
  ASSERT_EQ(run_program({"--epochs", "1"}), 0) << read(folder_.path() / "log.txt");
  const std::string model = options_.output + "/best_model.pt";
  const std::string command = std::string(CATDOG_TRAIN_PROGRAM) + " quantize '" + model + "' --data '" + options_.data +
                              "' --images 8 --output '" + model + "' 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_FALSE(core::ModelFile::from_file(model).config().calibration.ranges.empty());
  EXPECT_NE(std::system((std::string(CATDOG_TRAIN_PROGRAM) + " quantize 2>/dev/null >&2").c_str()), 0);
}

TEST_F(TrainerTest, WithoutEpochsItCalibratesTheStartWeights) {
  ASSERT_EQ(run_program({"--epochs", "2"}), 0) << read(folder_.path() / "log.txt");
  const fs::path trained = folder_.path() / "trained.pt";
  fs::copy_file(options_.output + "/best_model.pt", trained);
  ASSERT_EQ(run_program({"--overwrite", "--epochs", "0", "--init", trained.string()}), 0)
      << read(folder_.path() / "log.txt");
  const core::ModelFile before = core::ModelFile::from_file(trained.string());
  const core::ModelFile after = core::ModelFile::from_file(options_.output + "/best_model.pt");
  EXPECT_DOUBLE_EQ(after.config().calibration.temperature, before.config().calibration.temperature);
  ASSERT_EQ(after.config().golden.size(), before.config().golden.size());
  EXPECT_EQ(after.config().golden[0].logits, before.config().golden[0].logits);

  EXPECT_EQ(run_program({"--overwrite", "--epochs", "0"}), 2);
  EXPECT_THAT(read(folder_.path() / "log.txt"), testing::HasSubstr("--epochs 0 calibrates the weights of --init"));
}

TEST_F(TrainerTest, CtrlCSavesAndResumeFinishes) {
  ASSERT_EQ(run_program({"--epochs", "400"}, 100), 130) << read(folder_.path() / "log.txt");
  EXPECT_THAT(read(folder_.path() / "log.txt"), testing::HasSubstr("--resume"));
  EXPECT_FALSE(fs::exists(options_.output + "/best_model.pt"));
  EXPECT_EQ(run_program({"--epochs", "400", "--resume", "--seed", "2"}), 1);  // Another run's options.
  EXPECT_THAT(read(folder_.path() / "log.txt"), testing::HasSubstr("(then → now): seed: 1 → 2; resume"));
}

TEST_F(TrainerTest, AnEarlierRunIsKeptUnlessItIsToGo) {
  const std::string log = folder_.path() / "log.txt";
  ASSERT_EQ(run_program({"--epochs", "1"}), 0) << read(log);
  const std::string model = read(options_.output + "/best_model.pt");
  EXPECT_EQ(run_program({"--epochs", "1", "--seed", "2"}), 1);
  EXPECT_THAT(read(log), testing::AllOf(testing::HasSubstr("--resume"), testing::HasSubstr("--overwrite")));
  EXPECT_EQ(read(options_.output + "/best_model.pt"), model);
  EXPECT_EQ(run_program({"--epochs", "1", "--resume", "--overwrite"}), 2);
  // Prolonged: the second epoch follows the first one.
  ASSERT_EQ(run_program({"--epochs", "2", "--resume"}), 0) << read(log);
  EXPECT_THAT(read(log), testing::Not(testing::HasSubstr("epoch 1/")));
  EXPECT_THAT(read(options_.output + "/metrics.jsonl"), testing::HasSubstr("\n{\"epoch\":2,"));
  EXPECT_EQ(run_program({"--epochs", "1", "--resume"}), 1);  // Not shortened.
  ASSERT_EQ(run_program({"--epochs", "1", "--overwrite"}), 0) << read(log);
  EXPECT_EQ(read(options_.output + "/best_model.pt"), model);
  EXPECT_THAT(read(options_.output + "/metrics.jsonl"), testing::Not(testing::HasSubstr("\"epoch\":2")));
}

TEST_F(TrainerTest, WithoutATerminalThereIsALineForEachEpoch) {
  const std::string log = folder_.path() / "log.txt";
  ASSERT_EQ(run_program({"--epochs", "2"}), 0);
  EXPECT_THAT(read(log), testing::ContainsRegex("\nepoch 1/2  loss [0-9.]+  validation accuracy [0-9.]+ %, log loss "
                                                "[0-9.]+  [0-9.]+ images/s  ETA 0:[0-9:]+\nepoch 2/2  loss "));
  EXPECT_THAT(read(log), testing::Not(testing::HasSubstr("\r")));
  ASSERT_EQ(run_program({"--epochs", "1", "--overwrite", "--no-progress"}), 0);
  EXPECT_THAT(read(log), testing::Not(testing::HasSubstr("epoch 1/1")));
}

TEST_F(TrainerTest, AModelIsCalledAfterItsFolderAndTheDay) {
  ASSERT_EQ(run_program({"--epochs", "1"}), 0);
  const auto config = [&] { return core::ModelFile::from_file(options_.output + "/best_model.pt").config(); };
  EXPECT_EQ(config().name, "out");
  EXPECT_THAT(config().version, testing::MatchesRegex("20[0-9][0-9].[01][0-9].[0-3][0-9]"));
  ASSERT_EQ(run_program({"--epochs", "1", "--overwrite", "--name", "mine", "--version-name", "7"}), 0);
  EXPECT_EQ(config().name + config().version, "mine7");
}

TEST_F(TrainerTest, WrongWordsAreUsage) {
  EXPECT_EQ(run_program({"--nonsense"}), 2);
  EXPECT_EQ(run_program({"--epochs", "0"}), 2);
  EXPECT_EQ(run_program({"--help"}), 0);
  EXPECT_EQ(run_program({"--data", "nowhere"}), 2);  // Named twice.
}

TEST_F(TrainerTest, InitStartsFromAModelFile) {
  ASSERT_EQ(run_program({"--epochs", "2"}), 0) << read(folder_.path() / "log.txt");
  const std::string model = options_.output + "/best_model.pt";
  fs::rename(model, folder_.path() / "first.pt");
  // One epoch at a vanishing learning rate leaves the weights where they were.
  ASSERT_EQ(run_program({"--epochs", "1", "--overwrite", "--learning-rate", "1e-12", "--weight-decay", "0", "--init",
                         (folder_.path() / "first.pt").string()}),
            0)
      << read(folder_.path() / "log.txt");
  const core::ModelFile first = core::ModelFile::from_file(folder_.path() / "first.pt");
  const core::ModelFile second = core::ModelFile::from_file(model);
  const auto& a = first.weights().at("fc.4.weight").values;
  const auto& b = second.weights().at("fc.4.weight").values;
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6);
}

// Images without stripes are the negatives; a network with a third output learns to tell them.
TEST_F(TrainerTest, LearnsNeitherFromNegatives) {
  tests::write_plain(folder_.path() / "negatives", 60);
  tests::write_tiny_architecture(folder_.path(), 3);
  ASSERT_EQ(run_program(
                {"--epochs", "20", "--learning-rate", "0.02", "--negatives", (folder_.path() / "negatives").string()}),
            0)
      << read(folder_.path() / "log.txt");
  const core::ModelFile model = core::ModelFile::from_file(options_.output + "/best_model.pt");
  ASSERT_TRUE(model.config().calibration.neither_above.has_value());
  // In the gap between the two kinds of images, not at its lower edge, which was 1e-11.
  EXPECT_GE(*model.config().calibration.neither_above, 1e-4);
  const auto json = nlohmann::json::parse(model.config().json);
  const auto& test = json.at("metrics").at("test");
  EXPECT_GE(test.at("accuracy").get<double>(), 0.95);
  EXPECT_GE(test.at("answered").get<double>(), 0.9);
  EXPECT_GE(test.at("negatives_declined").get<double>(), 0.9);
  EXPECT_THAT(read(options_.output + "/test.txt"), testing::Not(testing::HasSubstr("plain")));  // No label, no row.
  const auto& curve = json.at("calibration").at("curve");
  ASSERT_GE(curve.size(), 2U);
  EXPECT_GE(curve.back().at("precision").get<double>(), curve.front().at("precision").get<double>());
  EXPECT_LE(curve.back().at("coverage").get<double>(), curve.front().at("coverage").get<double>());
}

TEST_F(TrainerTest, NegativesAndAnOutputForNeitherBelongTogether) {
  tests::write_plain(folder_.path() / "negatives", 20);
  EXPECT_EQ(run_program({"--epochs", "1", "--negatives", (folder_.path() / "negatives").string()}), 1);
  EXPECT_THAT(read(folder_.path() / "log.txt"), testing::HasSubstr("one more output"));
  tests::write_tiny_architecture(folder_.path(), 3);
  EXPECT_EQ(run_program({"--epochs", "1"}), 1);
  EXPECT_THAT(read(folder_.path() / "log.txt"), testing::HasSubstr("--negatives"));
}

// The frozen part runs in the native engine, once for each view; the rest of the network sees the same numbers.
TEST_F(TrainerTest, AFrozenPartTrainsAsTheWholeNetworkWould) {
  options_.views = 2;
  const Dataset data = load();
  torch::manual_seed(3);
  const TrainableNetwork origin(network(), options_.image_size);
  options_.freeze = {"conv1", "conv2"};
  options_.flip = 0;
  Trainer trainer(data, network(), options_, origin.state());
  trainer.run(go_on_);
  const StateDict result = trainer.result();
  EXPECT_TRUE(torch::equal(result.at("conv2.0.weight"), origin.state().at("conv2.0.weight")));
  EXPECT_FALSE(torch::equal(result.at("fc.1.weight"), origin.state().at("fc.1.weight")));

  const Predictions predictions = trainer.predict(Split::validation);
  TrainableNetwork whole(network(), options_.image_size);
  ASSERT_TRUE(whole.load(result).empty());
  const auto indices = data.indices(Split::validation);
  at::Tensor images = make_image_batch(indices.size(), options_.image_size);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    put_image(images, i, resize_for_evaluation(data.samples[indices[i]].rgb, {32, 32}), input_spec(options_));
  }
  const at::Tensor expected = whole.forward(images, false);
  EXPECT_TRUE(torch::allclose(expected, predictions.logits, 1e-4, 1e-4))
      << (expected - predictions.logits).abs().max().item<double>();
}

TEST_F(TrainerTest, ATeacherModelTeachesOnTheSameCropAndIsResumed) {
  ASSERT_EQ(run_program({"--epochs", "12", "--learning-rate", "0.02"}), 0) << read(folder_.path() / "log.txt");
  const std::string teacher = (folder_.path() / "teacher.pt").string();
  fs::rename(options_.output + "/best_model.pt", teacher);
  options_.teacher_models = {teacher};
  options_.distill_weight = 1;  // No label is looked at.
  options_.views = 2;
  options_.epochs = 20;
  options_.learning_rate = 0.02;
  const Dataset data = load();
  Trainer trainer(data, network(), options_);
  trainer.run(go_on_);
  EXPECT_GE(measure(trainer.predict(Split::test), 1).accuracy, 0.9);
  EXPECT_TRUE(fs::exists(options_.output + "/teacher.cache"));

  options_.views = 0;  // The teacher is asked anew for each crop.
  options_.epochs = 1;
  EXPECT_EQ(Trainer(data, network(), options_).run(go_on_), Outcome::finished);
}

TEST_F(TrainerTest, TheResultIsMixedWithTheStartWeights) {
  const Dataset data = load();
  torch::manual_seed(3);
  const TrainableNetwork origin(network(), options_.image_size);
  const auto train = [&](double share) {
    options_.average_with_start = share;
    Trainer trainer(data, network(), options_, origin.state());
    trainer.run(go_on_);
    return trainer.result();
  };
  const StateDict tuned = train(0);
  const StateDict mixed = train(0.25);
  for (const char* name : {"conv1.0.weight", "fc.4.bias"}) {
    const at::Tensor expected = 0.75 * tuned.at(name) + 0.25 * origin.state().at(name).detach();
    EXPECT_TRUE(torch::allclose(mixed.at(name), expected, 1e-5, 1e-6)) << name;
  }
}

TEST_F(TrainerTest, RowsOfAnotherLayerStartALayer) {
  torch::manual_seed(3);
  const TrainableNetwork network(this->network(), options_.image_size);
  StateDict start{{"classes.weight", torch::arange(40.0).view({5, 8})}, {"classes.bias", torch::arange(5.0)}};
  copy_rows({"fc.1=classes:3-4,0"}, network, start);
  EXPECT_THAT(std::vector<float>(start.at("fc.1.bias").data_ptr<float>(), start.at("fc.1.bias").data_ptr<float>() + 3),
              testing::ElementsAre(3, 4, 0));
  EXPECT_TRUE(torch::equal(start.at("fc.1.weight")[1], start.at("classes.weight")[4]));
  EXPECT_TRUE(torch::equal(start.at("fc.1.weight")[3], network.state().at("fc.1.weight")[3].detach()));
  for (const char* wrong :
       {"fc.1=classes:5", "fc.1=classes:x", "fc.9=classes:1", "fc.1=other:1", "fc.1", "fc.4=classes:0-2"}) {
    EXPECT_THROW(copy_rows({wrong}, network, start), core::Failure) << wrong;
  }
}

TEST_F(TrainerTest, AFailureWhileLoadingEndsTheEpochAndNotTheProgram) {
  Dataset data = load();
  data.samples[data.indices(Split::train).front()].rgb = {};  // Nothing to crop.
  Trainer trainer(data, network(), options_);
  EXPECT_ANY_THROW(trainer.run(go_on_));
}

TEST_F(TrainerTest, FewerLoaderThreadsMakeTheSameBatches) {
  const Dataset data = load();
  options_.loader_threads = 3;
  const FixedModels models;
  const auto first_batch = [&] {
    EpochLoader loader(data, data.indices(Split::train), options_, input_spec(options_), models, 0, 0);
    return loader.next().inputs;
  };
  const at::Tensor expected = first_batch();
  {
    const test_support::DeniedThreads denied(1);
    EXPECT_TRUE(torch::equal(first_batch(), expected));
  }
  const test_support::DeniedThreads denied(0);
  try {
    first_batch();
    ADD_FAILURE() << "nobody could load anything";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), core::Status::out_of_memory);
  }
}

TEST_F(TrainerTest, AnEmptyClassStopsBeforeTheFirstEpoch) {
  fs::create_directories(folder_.path() / "data" / "emu");
  EXPECT_EQ(run_program({"--epochs", "1"}), 1);
  EXPECT_THAT(read(folder_.path() / "log.txt"), testing::HasSubstr("\"emu\" is empty"));
  EXPECT_FALSE(fs::exists(options_.output + "/checkpoint.pt"));
}

}  // namespace
