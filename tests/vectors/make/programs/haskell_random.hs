-- Oracle: Haskell's System.Random. Arguments: CALL LO HI COUNT SEED... (seeds in hex, read as 64-bit two's complement).
module Main (main) where

import Data.List (intercalate, unfoldr)
import Numeric (readHex, showHex)
import System.Environment (getArgs)
import System.Random (StdGen, genWord64, mkStdGen, random, randomR)

draws :: String -> Int -> Int -> StdGen -> [String]
draws "genWord64" _ _ = map (`showHex` "") . unfoldr (Just . genWord64)
draws "randomR" lo hi = map show . unfoldr (Just . randomR (lo, hi))
draws "double" lo hi = map (show . scaled) . unfoldr (Just . random)
  where
    scaled u = lo + floor ((u :: Double) * fromIntegral (hi - lo + 1))
draws call _ _ = error ("unknown call " ++ call)

main :: IO ()
main = do
  call : lo : hi : count : seeds <- getArgs
  let row seed = intercalate "," (seed : take (read count) (draws call (read lo) (read hi) (mkStdGen (number seed))))
  mapM_ (putStrLn . row) seeds
  where
    number = fromInteger . fst . head . readHex
