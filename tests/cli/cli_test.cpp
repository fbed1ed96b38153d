// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cli_fixture.hpp"
#include "support/signing_key.hpp"

namespace catdog::cli_tests {
namespace {

TEST_F(Cli, RowsKeepTheOrderOfTheInput) {
  std::string expected;
  for (int i = 10; i < 60; ++i) {
    const std::string name = "p/" + std::to_string(i) + ".png";
    image(name, i % 3 == 0);
    expected += name + (i % 3 == 0 ? ": cat" : ": dog") + "\n";
  }
  const Outcome outcome = run("classify -j 4 p | cut -d' ' -f1,2");
  EXPECT_EQ(outcome.out, expected);
}

TEST_F(Cli, ExitCodes) {
  image("a.png", true);
  damaged("bad.png");
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(run("classify a.png").code, 0);
  EXPECT_EQ(run("classify a.png bad.png 2>/dev/null").code, 1);
  EXPECT_EQ(run("classify a.png none.png 2>/dev/null").code, 1);
  EXPECT_EQ(run("classify empty 2>/dev/null").code, 2);
  EXPECT_EQ(run("classify --nonsense a.png 2>/dev/null").code, 2);
  EXPECT_EQ(run("2>/dev/null").code, 2);
  EXPECT_EQ(run("classify --model none.pt a.png 2>/dev/null").code, 3);
  EXPECT_EQ(run("classify a.png 2>/dev/null >/dev/full").code, 4);
  EXPECT_EQ(run("classify --help >/dev/null").code, 0);
}

TEST_F(Cli, ExplainWritesADrawingOrAMap) {
  test_support::Pixels halves{64, 32, {}};  // The left half is a cat.
  for (int i = 0; i < 64 * 32; ++i) {
    const bool left = i % 64 < 32;
    halves.rgb.insert(halves.rgb.end(), {std::uint8_t(left ? 255 : 0), 0, std::uint8_t(left ? 0 : 255)});
  }
  write("halves.png", test_support::encode_png(halves));
  const Outcome drawn = run("explain halves.png --label cat -o map.png");
  EXPECT_EQ(drawn.code, 0);
  EXPECT_EQ(drawn.out.rfind("halves.png: ", 0), 0U) << drawn.out;
  // The drawing has the image's size, and is an image like any other: what is left of it is the cat.
  EXPECT_EQ(run("classify map.png --csv | tail -n 1 | tr -d '\r' | cut -d, -f2,3,12-14").out, "ok,cat,64,32,png\n");

  const auto row = nlohmann::json::parse(run("explain - --json < halves.png").out);
  EXPECT_EQ(row["path"], "-");
  EXPECT_EQ(row["status"], "ok");
  EXPECT_EQ(row["explained"], row["label"]);
  const auto dog = nlohmann::json::parse(run("explain halves.png --json --label dog").out);
  EXPECT_EQ(dog["explained"], "dog");
  ASSERT_EQ(dog["map"].size(), 32U);
  for (const auto& places : dog["map"]) {
    ASSERT_EQ(places.size(), 32U);
    EXPECT_LT(places[0].get<double>(), 0.1);
    EXPECT_GT(places[31].get<double>(), 0.9);
  }
}

TEST_F(Cli, ExplainSaysWhatIsWrong) {
  image("a.png", true);
  damaged("bad.png");
  const auto refusal = [&](const std::string& arguments, int code) {
    const Outcome outcome = run(arguments + " 2>&1");
    EXPECT_EQ(outcome.code, code) << arguments;
    return outcome.out;
  };
  EXPECT_EQ(refusal("explain a.png", 2), "catdog: say where the map is to go: -o FILE.png, or --json\n");
  EXPECT_EQ(refusal("explain a.png --json --label cow", 2), "catdog: this model has no label 'cow'; it has cat, dog\n");
  EXPECT_EQ(refusal("explain a.png -o none/map.png", 4),
            "catdog: can't write 'none/map.png': No such file or directory\n");
  EXPECT_EQ(refusal("explain bad.png --json", 1).rfind("catdog: bad.png: unsupported: ", 0), 0U);
  EXPECT_EQ(refusal("explain none.png --json", 1).rfind("catdog: none.png: not_found: ", 0), 0U);
}

TEST_F(Cli, BenchMeasuresEachSetting) {
  image("a.png", true);
  image("b.png", false);
  const auto one = nlohmann::json::parse(run("bench a.png b.png --seconds 0.1 --precision fp32 -j 2 --json").out);
  ASSERT_EQ(one["rows"].size(), 1U);
  const auto& row = one["rows"][0];
  EXPECT_EQ(row["precision"], "fp32");
  EXPECT_EQ(row["threads"], 2);
  EXPECT_GE(row["images"], 64);
  EXPECT_GT(row["images_per_second"], 0);
  for (const char* stage : {"decode_ms", "preprocess_ms", "network_ms", "total_ms"}) {
    EXPECT_GT(row[stage]["p50"], 0) << stage;
    EXPECT_GE(row[stage]["p99"], row[stage]["p50"]) << stage;
  }
  EXPECT_GT(row["total_ms"]["p50"], row["network_ms"]["p50"]);
  EXPECT_EQ(one["most_images"], nlohmann::json({{"precision", "fp32"}, {"threads", 2}}));

  // This model has no ranges for int8; whether the CPU has bf16 doesn't matter.
  const auto all = nlohmann::json::parse(run("bench a.png --seconds 0.1 -j 1 --json").out);
  EXPECT_EQ(all["rows"][0]["precision"], "fp32");
  EXPECT_NE(all["missing"]["int8"].get<std::string>().find("quantize"), std::string::npos) << all["missing"];

  const std::string table = run("bench --seconds 0.1 --precision fp32 -j 2 2>&1").out;
  EXPECT_EQ(table.rfind("catdog: no image named: this measures a generated PNG", 0), 0U) << table;
  EXPECT_NE(table.find("\nMost images a second:  --precision fp32 --threads 2 ("), std::string::npos) << table;
}

TEST_F(Cli, BenchSaysWhatIsWrong) {
  damaged("bad.png");
  fs::create_directory(folder_ / "empty");
  const auto refusal = [&](const std::string& arguments, int code) {
    const Outcome outcome = run(arguments + " 2>&1");
    EXPECT_EQ(outcome.code, code) << arguments;
    return outcome.out;
  };
  EXPECT_EQ(refusal("bench bad.png", 1).rfind("catdog: bad.png: ", 0), 0U);
  EXPECT_NE(refusal("bench empty", 2).find("nothing to classify"), std::string::npos);
  EXPECT_NE(refusal("bench --precision int8", 3).find("quantize"), std::string::npos);
}

TEST_F(Cli, APathAloneIsClassified) {
  image("a.png", true);
  image("photos/b.png", false);
  const std::string expected = run("classify a.png photos").out;
  EXPECT_EQ(run("a.png photos").out, expected);
  EXPECT_EQ(run("photos").out, run("classify photos").out);
  EXPECT_EQ(run("--csv a.png").out, run("classify --csv a.png").out);
  EXPECT_EQ(run("- < a.png").out, run("classify - < a.png").out);
  image("info", true);  // A command's name is the command.
  EXPECT_EQ(run("info --json").out.substr(0, 1), "{");
  EXPECT_EQ(run("none.png 2>/dev/null").out.substr(0, 20), "none.png: not_found:");
}

TEST_F(Cli, AMisspeltCommandIsAnsweredWithTheNearest) {
  for (const auto& [typed, meant] : {std::pair("clasify", "classify"), {"ifno", "info"}, {"evalute a", "evaluate"}}) {
    const Outcome outcome = run(std::string(typed) + " 2>&1");
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.out.find(std::string("did you mean 'catdog ") + meant + "'?"), std::string::npos) << outcome.out;
  }
}

TEST_F(Cli, AListWithNulsNeedsItsOption) {
  image("a.png", true);
  write("list", {'a', '.', 'p', 'n', 'g', 0, 'a', '.', 'p', 'n', 'g', 0});
  EXPECT_EQ(run("classify --files-from list -0").code, 0);
  const Outcome outcome = run("classify --files-from list 2>&1");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.out.find("--null"), std::string::npos) << outcome.out;
}

TEST_F(Cli, JsonRowsOfGoodAndBadImages) {
  image("odd \"name\",\n\xc3\xa9.png", false);
  damaged("zz.png");
  std::istringstream lines(run("classify --json . 2>/dev/null").out);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto good = nlohmann::json::parse(line);
  EXPECT_EQ(good["path"], "./odd \"name\",\n\xc3\xa9.png");
  EXPECT_EQ(good["label"], "dog");
  EXPECT_EQ(good["probabilities"]["dog"], good["confidence"]);
  ASSERT_TRUE(std::getline(lines, line));
  const auto bad = nlohmann::json::parse(line);
  EXPECT_EQ(bad["status"], "unsupported");
  EXPECT_NE(bad["message"], "");
  EXPECT_FALSE(bad.contains("label"));
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(Cli, CsvQuotesOddNames) {
  image("a,\"b\nc.png", true);
  const std::string out = run("classify --csv .").out;
  EXPECT_NE(out.find("\r\n\"./a,\"\"b\nc.png\",ok,cat,label,cat,"), std::string::npos) << out;
}

TEST_F(Cli, RowsGiveTheAnswer) {
  plain_image("1.png", 255, 0, 0);
  plain_image("2.png", 0, 255, 0);
  plain_image("3.png", 128, 100, 128);
  std::istringstream rows(run("classify --model open.pt 1.png 2.png 3.png").out);
  std::string row;
  for (const char* start : {"1.png: cat 0.", "2.png: neither 0.", "3.png: uncertain (dog 0."}) {
    ASSERT_TRUE(std::getline(rows, row));
    EXPECT_EQ(row.rfind(start, 0), 0U) << row;
  }
  std::istringstream lines(run("classify --model open.pt --json 1.png 2.png 3.png").out);
  for (const auto& [answer, reason] :
       {std::pair("cat", "label"), {"neither", "neither"}, {"uncertain", "low_confidence"}}) {
    ASSERT_TRUE(std::getline(lines, row));
    const auto json = nlohmann::json::parse(row);
    EXPECT_EQ(json["answer"], answer);
    EXPECT_EQ(json["reason"], reason);
    EXPECT_EQ(json["abstained"], answer != std::string("cat"));
    EXPECT_NEAR(json["trust"].get<double>(), json["confidence"].get<double>() * (1 - json["neither"].get<double>()),
                1e-9);
  }
  EXPECT_TRUE(nlohmann::json::parse(run("classify --json 1.png").out)["neither"].is_null());
  const std::string csv = run("classify --model open.pt --csv 2.png").out;
  EXPECT_EQ(csv.rfind("path,status,answer,reason,label,confidence,trust,neither,abstained,p_cat,p_dog,", 0), 0U) << csv;
  EXPECT_NE(csv.find("\r\n2.png,ok,neither,neither,"), std::string::npos) << csv;
}

TEST_F(Cli, ThresholdsMoveTheAnswer) {
  plain_image("1.png", 255, 0, 0);
  plain_image("2.png", 0, 255, 0);
  const auto answer = [&](const std::string& arguments) {
    return run("classify --model open.pt " + arguments + " | cut -d' ' -f2").out;
  };
  EXPECT_EQ(answer("--neither-above 1 --abstain-below 0 2.png"), "dog\n");
  EXPECT_EQ(answer("--neither-above 0 1.png"), "neither\n");
  EXPECT_EQ(answer("--abstain-below 1 1.png"), "uncertain\n");
  EXPECT_EQ(answer("--min-precision 0.9 1.png"), "uncertain\n");
  EXPECT_EQ(answer("--min-precision 0.5 1.png"), "cat\n");
  const Outcome never = run("classify --model open.pt --min-precision 0.95 1.png 2>&1");
  EXPECT_EQ(never.code, 3);
  EXPECT_NE(never.out.find("the best is 0.9"), std::string::npos) << never.out;
  EXPECT_EQ(run("classify --min-precision 0.9 --abstain-below 0.5 1.png 2>/dev/null").code, 2);
}

TEST_F(Cli, RecursionEndsInSpiteOfALoop) {
  image("p/a.png", true);
  image("p/q/b.png", false);
  fs::create_directory_symlink("..", folder_ / "p/q/loop");
  EXPECT_EQ(run("classify p | wc -l").out, "1\n");
  EXPECT_EQ(run("classify -r p | wc -l").out, "2\n");
}

TEST_F(Cli, AFolderStandsForItsRegularVisibleFiles) {
  image("p/a.png", true);
  image("p/.hidden.png", true);
  image("p/.cache/b.png", true);
  fs::create_symlink("a.png", folder_ / "p/link.png");
  fs::create_symlink("nowhere.png", folder_ / "p/broken.png");
  ASSERT_EQ(mkfifo((folder_ / "p/pipe.png").c_str(), 0600), 0);
  EXPECT_EQ(run("classify -r p | cut -d: -f1").out, "p/a.png\np/link.png\n");
  // What is named is taken.
  EXPECT_EQ(run("classify p/.hidden.png p/.cache | cut -d: -f1").out, "p/.hidden.png\np/.cache/b.png\n");
  EXPECT_EQ(run("classify p/pipe.png | cut -d: -f1 & cat " + (folder_ / "p/a.png").string() + " > " +
                (folder_ / "p/pipe.png").string() + "; wait")
                .out,
            "p/pipe.png\n");
}

TEST_F(Cli, AFolderOfOtherFormatsSaysSo) {
  write("p/IMG_1.HEIC", {1});
  write("p/IMG_2.heic", {1});
  const Outcome outcome = run("classify p 2>&1");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.out.find("2 of other kinds, such as HEIC"), std::string::npos) << outcome.out;
}

TEST_F(Cli, AListMayBeginWithAByteOrderMark) {
  image("a.png", true);
  std::ofstream(folder_ / "list") << "\xEF\xBB\xBF"
                                  << "a.png\r\na.png\r\n";
  EXPECT_EQ(run("classify --files-from list | cut -d: -f1").out, "a.png\na.png\n");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // Those take terabytes of addresses.
TEST_F(Cli, ThreadsThatCannotStartAreDoneWithout) {
  long_list("list", 1100);
  const Outcome outcome = run("--version > /dev/null; ulimit -v 2000000; CATDOG_MODEL=model.pt " CATDOG_CLI
                              " classify -j 1024 --files-from list | wc -l");
  EXPECT_EQ(outcome.out, "1100\n");
}
#endif

TEST_F(Cli, StandardInputIsAnImageOrAList) {
  image("a.png", true);
  EXPECT_EQ(run("classify - < a.png").out.substr(0, 6), "-: cat");
  EXPECT_EQ(run("classify --files-from list -0 2>/dev/null").code, 2);
  write("list", {'a', '.', 'p', 'n', 'g', 0});
  EXPECT_EQ(run("classify --files-from - -0 < list").out.substr(0, 10), "a.png: cat");
}

TEST_F(Cli, AModelMayBeNamed) {
  const auto json = nlohmann::json::parse(run("info best_model --json").out);
  EXPECT_EQ(fs::path(json["path"].get<std::string>()).filename(), "best_model.pt");
  const Outcome none = run("info no_such_model 2>&1");
  EXPECT_EQ(none.code, 3);
  EXPECT_NE(none.out.find("no shipped model is called"), std::string::npos) << none.out;
}

// The weights were exchanged, and the zip's checksums with them.
TEST_F(Cli, InfoVerifiesTheWeights) {
  EXPECT_EQ(run("info --verify model.pt >/dev/null").code, 0);
  test_support::ModelRecipe recipe;
  const auto sound = core::ModelFile::from_memory(test_support::make_model_archive(recipe));
  recipe.catdog_json = sound.config().json;
  recipe.seed = 2;
  write("exchanged.pt", test_support::make_model_archive(recipe));
  EXPECT_EQ(run("info exchanged.pt >/dev/null").code, 0);
  const Outcome told = run("info --verify exchanged.pt 2>&1");
  EXPECT_EQ(told.code, 3);
  EXPECT_NE(told.out.find("model_checksum"), std::string::npos) << told.out;
}

TEST_F(Cli, VerifyChecksTheSignature) {
  const auto archive = test_support::make_model_archive({});
  const test_support::SigningKey key;
  write("model.pt", archive);
  const std::string verify = "verify model.pt --trusted-key '" + key.public_key() + "' 2>&1";
  const Outcome missing = run(verify);
  EXPECT_EQ(missing.code, 3);
  EXPECT_NE(missing.out.find("model.pt.minisig"), std::string::npos) << missing.out;
  const std::string signature = key.sign(archive);
  write("model.pt.minisig", {signature.begin(), signature.end()});
  const Outcome good = run(verify);
  EXPECT_EQ(good.code, 0);
  EXPECT_NE(good.out.find("good signature"), std::string::npos) << good.out;
  EXPECT_EQ(run("verify model.pt --trusted-key '" + test_support::SigningKey(2).public_key() + "' 2>&1").code, 3);
  EXPECT_EQ(run("verify model.pt 2>&1").code, 2);
  EXPECT_EQ(run("verify model.pt --trusted-key '' 2>&1").code, 2);
  EXPECT_EQ(run("verify model.pt --trusted-key abc 2>&1").code, 2);
  // Each command takes the key.
  image("a.png", true);
  const std::string with_key = " --trusted-key '" + key.public_key() + "' 2>&1";
  EXPECT_EQ(run("classify --model model.pt a.png" + with_key).code, 0);
  write("model.pt", {'x'});
  EXPECT_EQ(run("classify --model model.pt a.png" + with_key).code, 3);
}

// What the environment takes away from oneDNN, a lesser CPU doesn't have.
TEST_F(Cli, Int8GivesTheSameVerdictWhateverTheInstructions) {
  const auto verdict_with = [&](const char* instructions, const std::string& model) {
    setenv("ONEDNN_MAX_CPU_ISA", instructions, 1);
    Outcome outcome = run("classify --json --precision int8 --model " CATDOG_SOURCE_DIR "/models/" + model +
                          " " CATDOG_SOURCE_DIR "/examples/images/cat/chelsea.png 2>&1");
    unsetenv("ONEDNN_MAX_CPU_ISA");
    return outcome;
  };
  for (const std::string model : {"best_model.pt", "simple_cnn.pt"}) {
    const Outcome without = verdict_with("AVX2", model);
    EXPECT_EQ(without.code, 3);
    EXPECT_NE(without.out.find("int8 needs a CPU with AVX512-VNNI or AMX"), std::string::npos) << without.out;
    const Outcome all = verdict_with("DEFAULT", model);
    if (all.out.find("int8 needs a CPU") != std::string::npos) GTEST_SKIP() << "this CPU has no int8";
    const double of_all = nlohmann::json::parse(all.out)["probabilities"]["cat"];
    const double of_less = nlohmann::json::parse(verdict_with("AVX512_CORE_VNNI", model).out)["probabilities"]["cat"];
    EXPECT_GT(of_all, 0.9);
    EXPECT_NEAR(of_all, of_less, 1e-4);
  }
}

TEST_F(Cli, InfoNamesTheModel) {
  const auto json = nlohmann::json::parse(run("info --json model.pt").out);
  EXPECT_EQ(json["name"], "small");
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["input"], "32x32");
  EXPECT_EQ(json["neither_above"], 1.0);
  const auto open = nlohmann::json::parse(run("info --json --abstain-below 0.25 open.pt").out);
  EXPECT_EQ(open["neither_above"], 0.5);
  EXPECT_EQ(open["abstain_below"], 0.25);
  EXPECT_EQ(json["labels"], nlohmann::json::parse(R"(["cat","dog"])"));
}

}  // namespace
}  // namespace catdog::cli_tests
